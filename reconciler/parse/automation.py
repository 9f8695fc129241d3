"""Rules of what a Model lets the reconciler commit by itself: `onFailure`, `promotion`, `discover`, `blockedVersions`.

Called by `within.py` for every well-shaped Model. A field that could never do anything is an error here, because it
promises something.
"""

from collections.abc import Iterator

from reconciler.parse import wording
from reconciler.parse.documents import ModelDocument
from reconciler.parse.nodes import Node
from reconciler.parse.problems import Finding, shown
from reconciler.state.automation import OnFailure
from reconciler.state.versions import Specific


def rules(spec: Node, said: ModelDocument) -> Iterator[Finding]:
    """What is wrong with, or surprising about, the automation of one Model."""
    yield from _needs_specific(spec, said)
    yield from _promotion(spec, said)
    yield from _discover(spec)
    yield from _blocked(spec, said)


def _needs_specific(spec: Node, said: ModelDocument) -> Iterator[Finding]:
    asked = said.model.automation
    if isinstance(said.model.policy, Specific):
        return
    wanted = {
        "onFailure": asked.on_failure is not OnFailure.HOLD,
        "promotion": asked.promotion is not None,
        "discover": asked.discover is not None,
    }
    for field, is_asked in wanted.items():
        if is_asked:
            what = f"`{field}` edits the versions that git lists, and here the server chooses them"
            to_do = f"list the versions: `versions: {{specific: […]}}`; or remove {field}"
            yield Finding(*spec.fields[field].key_position, "automation-needs-specific", what, to_do)


def _promotion(spec: Node, said: ModelDocument) -> Iterator[Finding]:
    asked = said.model.automation.promotion
    if asked is None:
        return
    node = spec.fields["promotion"]
    if asked.from_ == asked.to:
        at = (node.fields.get("to") or node.fields.get("from") or node).position
        what = f"a promotion from {shown(asked.from_)} to itself moves nothing"
        yield Finding(*at, "promotion-nowhere", what, "name the label that takes the version over as `to`")
    if not said.checks:
        what = "nothing but time decides on a promotion here: this model has no checks"
        to_do = "add checks, so that only a version that answers well is promoted"
        yield Finding(*node.key_position, "promotion-unchecked", what, to_do, warning=True)


def _discover(spec: Node) -> Iterator[Finding]:
    if "discover" not in spec.fields:
        return
    node = spec.fields["discover"]
    mode, has_pattern = node.fields["mode"], "pattern" in node.fields
    if mode.data == "pattern" and not has_pattern:
        what = "mode `pattern` has no `pattern`"
        yield Finding(*mode.position, "discover-pattern", what, 'add one, such as `pattern: "2026*"`')
    if mode.data == "latest" and has_pattern:
        at = node.fields["pattern"].key_position
        yield Finding(*at, "discover-pattern", "mode `latest` takes any version", "remove it, or use mode `pattern`")


def _blocked(spec: Node, said: ModelDocument) -> Iterator[Finding]:
    if "blockedVersions" not in spec.fields:
        return
    listed = said.model.policy.versions if isinstance(said.model.policy, Specific) else ()
    for node in spec.fields["blockedVersions"].items:
        number = int(str(node.data))
        if number >= 2**63:
            yield wording.version(node)
        elif number in listed:
            what = f"version {number} is blocked, and versions.specific lists it"
            yield Finding(*node.position, "blocked-listed", what, "remove it from one of the two")
