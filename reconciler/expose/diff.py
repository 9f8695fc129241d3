"""Desired against observed, or one commit against another: field by field, and as a unified diff of canonical lines.

Called by `diff`. Both sides are written in the same canonical form (models ascending, versions ascending, labels
ascending), so that what differs is what differs. A version that is listed but not serving carries its state as a
comment and so shows up as a difference, which it is.
"""

import difflib
from collections.abc import Iterator

from reconciler.expose import words
from reconciler.state.config import ModelConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.look import LabelKind
from reconciler.state.observed import Observed, ObservedModel, ObservedVersion
from reconciler.state.plan import Difference, DifferenceKind
from reconciler.state.versions import Specific, VersionPolicy


def wanted_lines(server: DesiredServer) -> list[str]:
    """What git asks of one server, in canonical lines."""
    lines = ["models:"] if server.models else ["models: none"]
    for each in server.models:
        lines += _head(each.name, each.base_path)
        lines += _versions(each.policy, {})
        lines += _labels([(label, str(version)) for label, version in each.labels])
    return lines


def found_lines(observed: Observed) -> list[str]:
    """What one server is believed to have, in canonical lines."""
    if not observed.reach.answers:
        return [f"# {words.reach(observed.reach)}"]
    entries = observed.sent.models
    lines = ["models:"] if entries else ["models: none"]
    for entry in entries:
        lines += _found_model(entry, observed.model(entry.name))
    return lines


def unified(server: str, before: tuple[str, list[str]], after: tuple[str, list[str]]) -> str:
    """A unified diff of two sides, each a name and its lines; "" where they are equal."""
    lines = difflib.unified_diff(before[1], after[1], f"{server} {before[0]}", f"{server} {after[0]}", n=3, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def difference_text(each: Difference) -> str:
    """One difference as a line: `half stable: 1, git wants 2`."""
    what = {
        DifferenceKind.MODEL_MISSING: "model",
        DifferenceKind.MODEL_EXTRA: "model",
        DifferenceKind.BASE_PATH: "base path",
        DifferenceKind.POLICY: "versions",
        DifferenceKind.VERSION_MISSING: f"version {each.version}",
        DifferenceKind.VERSION_EXTRA: f"version {each.version}",
        DifferenceKind.LABEL_WRONG: f"label {each.label}",
        DifferenceKind.LABEL_EXTRA: f"label {each.label}",
    }[each.kind]
    return f"{each.model} {what}: {each.found or 'nothing'}, git wants {each.wanted or 'nothing'}"


def _head(name: str, base_path: str) -> list[str]:
    return [f"  {name}:", f"    basePath: {base_path}"]


def _found_model(entry: ModelConfig, seen: ObservedModel) -> Iterator[str]:
    yield from _head(entry.name, entry.base_path)
    if seen.unseen:
        yield f"    # status not seen: {seen.unseen}"
    yield from _versions(entry.policy, {each.version: _state(each) for each in seen.versions})
    labels = [(label, reading) for label, reading in seen.labels if reading.kind is not LabelKind.UNDEFINED]
    yield from _labels([(label, words.reading(reading)) for label, reading in labels])


def _versions(policy: VersionPolicy, states: dict[int, str]) -> list[str]:
    if not isinstance(policy, Specific):
        return [f"    versions: {words.policy(policy)}"]
    lines = [
        f"      - {version}{states.get(version, '  # not there') if states else ''}" for version in policy.versions
    ]
    return ["    versions:", *lines] if lines else ["    versions: none"]


def _state(version: ObservedVersion) -> str:
    if version.proven:
        return ""
    error = f": {version.error}" if version.error else ""
    return f"  # {version.state.name}{' (suspect)' if version.suspect else ''}{error}"


def _labels(labels: list[tuple[str, str]]) -> list[str]:
    return ["    labels:", *(f"      {label}: {value}" for label, value in labels)] if labels else []
