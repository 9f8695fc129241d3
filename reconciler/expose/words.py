"""The words every rendering shares: times, versions, actions, gaps and reaches, each said in one way only.

Called by the other modules of `expose/`. Nothing here knows about colours, tables or Markdown.
"""

import datetime
import unicodedata
from collections.abc import Sequence
from typing import assert_never

from reconciler.state.config import ServerConfig
from reconciler.state.look import LabelKind, LabelReading, Reach, ReachKind
from reconciler.state.plan import Action, ActionKind, Gap, HoldReason, Pass, PassKind
from reconciler.state.versions import All, Latest, Specific, VersionPolicy


def moment(at: float) -> str:
    """A time as `2026-11-20 20:41:07 UTC`; "never" for 0."""
    if at <= 0:
        return "never"
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def timestamp(at: float | None) -> str | None:
    """A time in RFC 3339 with milliseconds, for machines; None where there is none."""
    if at is None or at <= 0:
        return None
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(seconds: float) -> str:
    """A length of time as people say it: `less than 0.1 s`, `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`."""
    if seconds < 0.05:
        return "less than 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, smaller, size, step in (("d", "h", 86400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1)):
        if whole >= size:
            rest = whole % size // step
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def count(number: int, noun: str) -> str:
    """`1 pass`, `2 passes`."""
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{number} {noun if number == 1 else plural}"


def one_line(text: str) -> str:
    """A text without line breaks: errors of TensorFlow come as several lines."""
    return " ".join(part for each in text.splitlines() if (part := each.strip()))


def names(each: Sequence[str], most: int = 3) -> str:
    """Names for a sentence: `gpu-1`, `gpu-1 and gpu-2`, `gpu-1, gpu-2, gpu-3 and 97 more`."""
    shown = list(each[:most])
    if len(each) > most:
        return f"{', '.join(shown)} and {len(each) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def policy(wanted: VersionPolicy) -> str:
    """A version policy as people say it."""
    match wanted:
        case Specific(versions):
            return ", ".join(str(each) for each in versions) or "none"
        case Latest(number):
            return f"latest {number}"
        case All():
            return "all"
        case _:
            assert_never(wanted)


def sign(action: Action) -> str:
    """`+` for what comes, `-` for what goes, `~` for what changes, `?` for what is only looked at."""
    match action.kind:
        case ActionKind.ADD_MODEL | ActionKind.LOAD:
            return "+"
        case ActionKind.REMOVE_MODEL | ActionKind.UNLOAD | ActionKind.UNLABEL:
            return "-"
        case ActionKind.LABEL:
            return "+" if action.before is None else "~"
        case ActionKind.REPOINT | ActionKind.POLICY:
            return "~"
        case ActionKind.CHECK:
            return "?"
        case _:
            assert_never(action.kind)


def deed(action: Action, config: ServerConfig) -> str:
    """What an action does, without its model's name: `stable  1 → 2`, `load 2`. `config` is its pass's."""
    before = "none" if action.before is None else str(action.before)
    match action.kind:
        case ActionKind.ADD_MODEL:
            text = "add the model" + (f", version {action.version} first" if action.version is not None else "")
        case ActionKind.REMOVE_MODEL:
            text = "remove the model"
        case ActionKind.LOAD | ActionKind.UNLOAD:
            text = f"{action.kind} {action.version}"
        case ActionKind.CHECK:
            text = f"check {action.version}" + (f"  {action.check}" if action.check else "")
        case ActionKind.LABEL:
            text = f"{action.label}  {before} → {action.version}"
        case ActionKind.UNLABEL:
            text = f"{action.label}  {before} → none"
        case ActionKind.REPOINT | ActionKind.POLICY:
            text = _resettled(action, config)
        case _:
            assert_never(action.kind)
    return text


def _resettled(action: Action, config: ServerConfig) -> str:
    """The new base path, or the new way of choosing versions, as the pass's config has it."""
    entry = config.model(action.model)
    if action.kind is ActionKind.REPOINT:
        return "base path → " + (entry.base_path if entry else "?")
    return "versions → " + (policy(entry.policy) if entry else "?")


def pass_title(body: Pass) -> str:
    """What sort of reload a pass is, in a few words."""
    match body.kind:
        case PassKind.CHANGE:
            return "change models the server has"
        case PassKind.ADD:
            return "add new names (the reload blocks until each has loaded)"
        case PassKind.HEAL:
            return "bring back what the server had before it restarted"
        case PassKind.RESEND:
            return "send the same config once more, its answer was lost"
        case PassKind.CHECK:
            return "ask what is loaded, without a reload"
        case _:
            assert_never(body.kind)


def gap_length(gap: Gap) -> str:
    """How long a label is expected to answer nobody."""
    return f"at most {duration(gap.seconds)}" + ("" if gap.load_known else " plus the load, not measured yet")


def reading(seen: LabelReading) -> str:
    """What a label means now, in one word or two."""
    match seen.kind:
        case LabelKind.RESOLVES:
            return str(seen.version)
        case LabelKind.DANGLES:
            return "dangling"
        case LabelKind.UNDEFINED:
            return "undefined"
        case LabelKind.UNSEEN:
            return "not seen"
        case _:
            assert_never(seen.kind)


def reach(server: Reach) -> str:
    """Whether a server can be talked to, as a sentence without its name."""
    words = f": {server.detail}" if server.detail else ""
    match server.kind:
        case ReachKind.ANSWERING:
            return "answers"
        case ReachKind.UNREACHABLE:
            return "cannot be reached" + words
        case ReachKind.SLOW:
            return "accepts the connection but does not answer in time" + words
        case ReachKind.NOT_SERVING:
            return "answers, but is not TensorFlow Serving" + words
        case ReachKind.REFUSING:
            return "turns our credentials or TLS down" + words
        case _:
            assert_never(server.kind)


def spaced(reason: HoldReason | str) -> str:
    """A CamelCase reason as words: `ArtifactMissing` → `artifact missing`."""
    return "".join(f" {each.lower()}" if each.isupper() else each for each in str(reason)).strip()


def harmless(text: str) -> str:
    r"""Text from outside (a commit, a file name, a server) as one line that can do nothing to who reads it.

    Control characters (terminal escapes among them), format characters (those that turn the direction of writing, for
    one) and line breaks of any kind are shown as escapes: `\x1b`, `\u202e`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if _shows(each) else each.encode("unicode_escape").decode() for each in text)


def _shows(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
