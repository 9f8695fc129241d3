"""What a client notices when a label moves from one export to another: pure comparison of what two exports promise.

Called for every label move before any reload carries it. BREAK holds the move unless the commit accepts it; WARN and
INFO are shown. What TensorFlow Serving refuses and what it lets pass: servables/tensorflow/predict_util.cc (every input
without a default must be sent, unknown aliases are refused; the shape of an input is not compared with the signature,
so a wrong one fails, or not, inside the graph). Deliberately not here: reading exports, and accepting a break.
"""

import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.state.export import DEFAULT_SIGNATURE, INIT_SIGNATURE, Export, Signature, TensorSpec

MAX_SHOWN = 3
"""Findings that a verdict quotes; the rest is counted."""

LARGER_BY = 1.5
"""An export that grew by more than this factor gets a warning."""


class Level(enum.StrEnum):
    """What a finding does: BREAK holds a label move, WARN and INFO are shown."""

    BREAK = "Break"
    WARN = "Warn"
    INFO = "Info"


_ORDER = {level: place for place, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a client may notice. `signature` is "" where it concerns the export as a whole.

    unknown: nothing was found, because the two could not be compared; that is no reason to let clients find out.
    """

    level: Level
    signature: str
    text: str
    unknown: bool = False


def compare(old: Export, new: Export, *, server_version: str) -> tuple[Finding, ...]:
    """What clients of `old` notice once `new` answers them: breaks first, then by signature and text.

    `server_version` is the servers' TensorFlow Serving ("2.20"), "" where it is not known.
    """
    same = bool(new.fingerprint) and old.fingerprint == new.fingerprint
    found = [Finding(Level.INFO, "", f"versions {old.version} and {new.version} are the same export")] if same else []
    unread = [each for each in (old, new) if each.problem]
    if unread:
        found += () if same else [_not_compared(old, new, unread)]
    else:
        found += _signatures(old, new)
        found += _written_by(old, new, server_version)
    found += _files(old, new)
    return tuple(sorted(set(found), key=lambda each: (_ORDER[each.level], each.signature, each.text)))


def breaks(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings that hold a label move."""
    return tuple(each for each in findings if each.level is Level.BREAK)


def verdict(findings: Sequence[Finding]) -> str:
    """One line for plans: "compatible", "compatible, with 2 warnings: …", "breaks clients: …"."""
    breaking = breaks(findings)
    if breaking:
        known = [each for each in breaking if not each.unknown]
        return f"breaks clients: {_quoted(known)}" if known else f"not known to be compatible: {_quoted(breaking)}"
    noted = warned(findings)
    return f"compatible, with {noted}" if noted else "compatible"


def warned(findings: Sequence[Finding]) -> str:
    """What clients should know although it breaks nothing: "2 warnings: …", "" where there is nothing."""
    warnings = [each for each in findings if each.level is Level.WARN]
    if not warnings:
        return ""
    count = "a warning" if len(warnings) == 1 else f"{len(warnings)} warnings"
    return f"{count}: {_quoted(warnings)}"


def _quoted(findings: Sequence[Finding]) -> str:
    texts = [each.text for each in findings[:MAX_SHOWN]]
    left = len(findings) - len(texts)
    return "; ".join([*texts, f"and {left} more"] if left else texts)


def _not_compared(old: Export, new: Export, unread: Sequence[Export]) -> Finding:
    reasons = "; ".join(f"version {each.version} could not be read: {each.problem}" for each in unread)
    text = f"versions {old.version} and {new.version} could not be compared, because {reasons}"
    return Finding(Level.BREAK, "", text, unknown=True)


def _signatures(old: Export, new: Export) -> Iterator[Finding]:
    before, after = _called(old), _called(new)
    for name in before.keys() - after.keys():
        renamed = [each for each in after.keys() - before.keys() if _promise(after[each]) == _promise(before[name])]
        now = f"is now called `{renamed[0]}`" if len(renamed) == 1 else "is gone"
        yield Finding(Level.BREAK, name, f"{name}: the signature {now}: requests that name `{name}` are refused")
    for name in before.keys() & after.keys():
        yield from _signature(before[name], after[name])
    for name in after.keys() - before.keys():
        yield Finding(Level.INFO, name, f"{name}: the signature is new")
    if DEFAULT_SIGNATURE not in before.keys() | after.keys():
        text = f"neither version has the signature `{DEFAULT_SIGNATURE}`: every request must name one"
        yield Finding(Level.INFO, "", text)


def _called(export: Export) -> dict[str, Signature]:
    return {each.name: each for each in export.signatures if each.name != INIT_SIGNATURE}


def _promise(signature: Signature) -> tuple[object, ...]:
    return (signature.method, signature.inputs, signature.outputs, signature.optional)


def _signature(old: Signature, new: Signature) -> Iterator[Finding]:
    if old.method != new.method:
        text = f"the method was {_method(old)} and is now {_method(new)}: Classify and Regress go by it"
        yield Finding(Level.WARN, old.name, f"{old.name}: {text}")
    yield from _inputs(old, new)
    yield from _outputs(old, new)


def _method(signature: Signature) -> str:
    return f"`{signature.method}`" if signature.method else "empty"


def _inputs(old: Signature, new: Signature) -> Iterator[Finding]:
    before, after = _by_alias(old.inputs), _by_alias(new.inputs)
    renamed = _renamed(before, after)
    for alias in before.keys() - after.keys():
        now = f"is now called `{renamed[alias]}`" if alias in renamed else "is gone"
        yield _break(old, f"input `{alias}` {now}: requests that send `{alias}` are refused")
    for alias in after.keys() - before.keys() - set(renamed.values()):
        yield _added_input(new, after[alias])
    for alias in before.keys() & after.keys():
        yield from _tensor(old, "input", before[alias], after[alias])
        yield from _default(old, new, alias)


def _added_input(new: Signature, spec: TensorSpec) -> Finding:
    if spec.alias in new.optional:
        return Finding(Level.INFO, new.name, f"{new.name}: input `{spec.alias}` is new, and may be left out")
    return _break(new, f"input `{spec.alias}` ({spec}) is new and has no default: requests without it are refused")


def _default(old: Signature, new: Signature, alias: str) -> Iterator[Finding]:
    if alias in old.optional and alias not in new.optional:
        yield _break(old, f"input `{alias}` has lost its default: requests without it are refused")
    if alias not in old.optional and alias in new.optional:
        yield Finding(Level.INFO, old.name, f"{old.name}: input `{alias}` has a default now, and may be left out")


def _outputs(old: Signature, new: Signature) -> Iterator[Finding]:
    before, after = _by_alias(old.outputs), _by_alias(new.outputs)
    renamed = _renamed(before, after)
    for alias in before.keys() - after.keys():
        now = f"is now called `{renamed[alias]}`" if alias in renamed else "is gone"
        yield _break(old, f"output `{alias}` {now}: clients that read `{alias}` find nothing")
    for alias in after.keys() - before.keys() - set(renamed.values()):
        text = f"{old.name}: output `{alias}` is new: clients that take every output get it too"
        if len(before) == 1:
            text += ", and REST answers that held one output bare now name each"
        yield Finding(Level.WARN, old.name, text)
    for alias in before.keys() & after.keys():
        yield from _tensor(old, "output", before[alias], after[alias])


def _by_alias(specs: Sequence[TensorSpec]) -> dict[str, TensorSpec]:
    return {each.alias: each for each in specs}


def _renamed(before: dict[str, TensorSpec], after: dict[str, TensorSpec]) -> dict[str, str]:
    """Old name to new, where exactly one tensor went and exactly one like it came."""
    gone, come = before.keys() - after.keys(), after.keys() - before.keys()
    if len(gone) != 1 or len(come) != 1:
        return {}
    (old,), (new,) = gone, come
    alike = (before[old].dtype, before[old].shape) == (after[new].dtype, after[new].shape)
    return {old: new} if alike else {}


_AFTER = {
    ("input", "type"): "requests with the old type are refused",
    ("input", "shape"): "requests with the old shape fail, or are computed wrongly",
    ("output", "type"): "clients read the wrong type",
    ("output", "shape"): "clients that know the old shape read it wrongly",
}


def _tensor(signature: Signature, kind: str, old: TensorSpec, new: TensorSpec) -> Iterator[Finding]:
    was = f"{kind} `{old.alias}` was {old} and is now {new}"
    if old.dtype != new.dtype:
        yield _break(signature, f"{was}: {_AFTER[kind, 'type']}")
    elif _narrower(old.shape, new.shape):
        yield _break(signature, f"{was}: {_AFTER[kind, 'shape']}")
    elif old.shape != new.shape:
        then = "the old shape still goes" if kind == "input" else "clients may get more than the size they know"
        yield Finding(Level.WARN, signature.name, f"{signature.name}: {was}: {then}")


def _narrower(old: tuple[int, ...] | None, new: tuple[int, ...] | None) -> bool:
    """Whether something that fitted the old shape does not fit the new one."""
    if new is None:
        return False
    if old is None or len(old) != len(new):
        return True
    return any(now not in (was, -1) for was, now in zip(old, new, strict=True))


def _break(signature: Signature, text: str) -> Finding:
    return Finding(Level.BREAK, signature.name, f"{signature.name}: {text}")


def _written_by(old: Export, new: Export, server_version: str) -> Iterator[Finding]:
    server, before, after = (_release(each) for each in (server_version, old.tf_version, new.tf_version))
    if not server:
        return
    if not after:
        yield Finding(Level.INFO, "", f"version {new.version} does not say which TensorFlow wrote it")
    elif after > server:
        known = before >= after
        text = f"version {new.version} was written by TensorFlow {new.tf_version}, the servers are {server_version}"
        then = f"version {old.version} is no older" if known else "an operation that they do not have fails the load"
        yield Finding(Level.INFO if known else Level.WARN, "", f"{text}: {then}")


def _release(version: str) -> tuple[int, ...]:
    """Major and minor number, which is where operations come and go; empty where there are none."""
    found = re.match(r"v?([0-9]{1,6})\.([0-9]{1,6})", version)
    return (int(found[1]), int(found[2])) if found else ()


def _files(old: Export, new: Export) -> Iterator[Finding]:
    if not new.fingerprint and not new.problem:
        level = Level.WARN if old.fingerprint else Level.INFO
        yield Finding(level, "", f"version {new.version} has no fingerprint: its files are not complete")
    if new.warmup_problem:
        text = f"version {new.version} would not load, because of its warm-up requests: {new.warmup_problem}"
        yield Finding(Level.WARN, "", text)
    if not new.warmup and not new.problem:
        level = Level.WARN if old.warmup else Level.INFO
        lost = f", and version {old.version} had" if old.warmup else ""
        text = f"version {new.version} brings no warm-up requests{lost}: its first answers may be slow"
        yield Finding(level, "", text)
    if old.size and new.size > LARGER_BY * old.size:
        text = f"version {new.version} is {_bytes(new.size)}, {new.size / old.size:.1f} times version {old.version}"
        yield Finding(Level.WARN, "", f"{text}: it needs more memory")


def _bytes(size: int) -> str:
    for unit, scale in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"
