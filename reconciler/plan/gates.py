"""What holds a whole server, before any action is thought of: nothing is sent while one of these stands.

Called by `plan/step.py`. Each gate is one function from what is believed to a hold or None, in the order in which a
person would want to hear of them. What holds single models is decided beside the action it concerns.
"""

from collections.abc import Callable

from reconciler.plan.wording import counted, times
from reconciler.state.config import ModelConfig
from reconciler.state.desired import Adopt, DesiredServer, Suspend
from reconciler.state.look import LabelKind, Presence, ReachKind, VersionState
from reconciler.state.memory import Outstanding, Refusal, Standing
from reconciler.state.observed import Observed, ObservedModel
from reconciler.state.plan import Hold, HoldReason

POISON = "Illegal setting neither"
"""How TFS begins its refusal when a new model without a platform has poisoned the stored config (rule E20)."""

REFUSAL_PAUSE_MAX = 60.0

REPEAT_FIRST, REPEAT_MAX = 10.0, 600.0
"""Seconds between repetitions of a reload that may not have arrived, doubling: each may hold a thread of the server."""

QUEUE_MAX = 3600.0
"""The same for a reload without new names: its server may be held up by somebody else's, for as long as that takes."""

DOUBLINGS = 30
"""Where doubling ends, however long it has been going on: far beyond every longest pause, far below what overflows."""

REPEAT_PATIENCE = 3
"""Repetitions after which somebody should look at the server."""


def gate(server: DesiredServer, observed: Observed) -> Hold | None:
    """The first reason why nothing may be sent to this server now, None where all is open.

    A lost answer without new names is no gate: the identical config may be sent once more (`plan/step.py`).
    """
    for check in _GATES:
        if (hold := check(server, observed)) is not None:
            return hold
    return None


def _unreachable(server: DesiredServer, observed: Observed) -> Hold | None:
    advice = {
        ReachKind.UNREACHABLE: "an answer from the server: check that it runs and that the address is right",
        ReachKind.SLOW: "an answer within the status deadline: check its load, or raise `deadlines.status`",
        ReachKind.NOT_SERVING: "a TensorFlow Serving gRPC port at that address (8500 by default, not the REST port)",
        ReachKind.REFUSING: "credentials and TLS files that the server accepts (`connection` in the Fleet)",
    }
    if observed.reach.answers:
        return None
    detail = f"{server.grpc}: {observed.reach.detail or observed.reach.kind.value}"
    return Hold(HoldReason.UNREACHABLE, "", detail, advice[observed.reach.kind])


def suspended(server: DesiredServer, observed: Observed) -> Hold | None:
    """The suspension of the server or of its fleet, where one stands now."""
    for suspend, whose in ((server.fleet.suspend, f"Fleet {server.fleet.name}"), (server.suspend, server.id)):
        if suspend is not None and suspend.stands(observed.at):
            return suspension("", suspend, whose)
    return None


def suspension(model: str, suspend: Suspend, whose: str) -> Hold:
    """The hold of a suspension that stands; `whose` says on what git has it."""
    ends = "the time given, or " if suspend.until is not None else ""
    return Hold(
        HoldReason.SUSPENDED,
        model,
        f"{whose} is suspended by {suspend.by}: {suspend.reason}; nothing is changed, nor put right",
        f"{ends}a commit that takes `suspend` away",
        until=suspend.until,
    )


def _not_seen(server: DesiredServer, observed: Observed) -> Hold | None:
    needed = observed.sent.names | {model.name for model in server.models}
    for model in sorted(observed.models, key=lambda each: each.name):
        if model.unseen and model.name in needed:
            detail = f"the status of {model.name} could not be read: {model.unseen}"
            return Hold(HoldReason.NOT_SEEN, "", detail, "a complete look at the server", progressing=True)
    return None


def _adoption(server: DesiredServer, observed: Observed) -> Hold | None:
    if observed.standing is not Standing.FIRST_CONTACT or server.fleet.adopt is Adopt.REPLACE:
        return None
    if server.fleet.adopt is Adopt.KEEP:
        return _keeping(server, observed)
    return Hold(
        HoldReason.ADOPTION_UNCONFIRMED,
        "",
        "first contact: there is no record of what this server serves, it cannot be asked, and a reload replaces all",
        f"`adopt: replace` in Fleet {server.fleet.name}, once git holds every model that must stay "
        "(`reconciler import` writes an existing config file into documents)",
    )


def _keeping(server: DesiredServer, observed: Observed) -> Hold | None:
    """Whether git names everything that the metrics page shows: what it does not name, a reload would take away."""
    page = observed.page
    if page is None or page.unseen:
        why = page.unseen if page is not None else "it has not been read yet"
        detail = f"first contact, and what this server already holds shall be kept; its metrics page is not seen: {why}"
        release = "a metrics page that can be read at `rest`; or `adopt: replace`, once git holds all that must stay"
        return Hold(HoldReason.ADOPTION_UNCONFIRMED, "", detail, release, progressing=page is None)
    names = [name for name in page.names if server.model(name) is None]
    paths = {model.base_path.rstrip("/") for model in server.models}
    strange = [*names, *(path for path in page.paths if path not in paths)]
    if not strange:
        return None
    shown = ", ".join(strange[:10]) + (f" and {len(strange) - 10} more" if len(strange) > 10 else "")
    detail = f"first contact: its metrics page shows what git does not place here, and a reload would end: {shown}"
    release = (
        "Model documents for these (`reconciler import` writes them from its config file, with labels, which no page "
        "shows), or `adopt: replace` if they may go"
    )
    return Hold(HoldReason.ADOPTION_UNCONFIRMED, "", detail, release)


def _fenced(_: DesiredServer, observed: Observed) -> Hold | None:
    if observed.standing not in (Standing.FIRST_CONTACT, Standing.LOST) or observed.at >= observed.fence_until:
        return None
    return Hold(
        HoldReason.FENCED,
        "",
        "what was sent last is not known; statuses may be stale until the server has polled its storage",
        "one fence without a change on the server",
        until=observed.fence_until,
        progressing=True,
    )


def _outstanding(server: DesiredServer, observed: Observed) -> Hold | None:
    waiting = observed.outstanding
    if waiting is None:
        return None
    names = ", ".join(waiting.names)
    if observed.wedged and _may_not_have_arrived(observed, waiting):
        until = waiting.sent_at + _doubled(REPEAT_FIRST, waiting.tries, REPEAT_MAX)
        return _unheard(waiting, names, until) if observed.at < until else None
    if observed.wedged:
        return Hold(
            HoldReason.WEDGED,
            "",
            f"a reload waits for {names}, of which no version can load; it holds the server's config lock, and every "
            "later reload queues behind it",
            f"a loadable version of {names} appearing in storage, or a restart of the server",
        )
    if waiting.names:
        return Hold(
            HoldReason.UNSETTLED,
            "",
            f"the answer to the last reload is not known; it may still be applied, with {names} new to the server",
            "the first version of each new model becoming AVAILABLE or END",
            progressing=True,
        )
    return _queued(server, observed, waiting)


def _doubled(first: float, times: int, longest: float) -> float:
    """The pause after that many tries (from 1)."""
    return float(min(longest, first * 2.0 ** min(max(times - 1, 0), DOUBLINGS)))


def _queued(server: DesiredServer, observed: Observed, waiting: Outstanding) -> Hold | None:
    """A reload without new names has no answer: repeated soon, then ever more rarely, for each may hold a thread.

    It ought to be answered within milliseconds. Where it never is, the config lock is held, perhaps by a new model that
    somebody else sent; every repetition queues behind it and takes one of the server's threads (4 per CPU by default),
    until no client is answered either. As soon as the reload shows its effect the lock is free.
    """
    first = server.fleet.deadlines.reload + 1.0
    pause = first if _takes_effect(observed, waiting) else _doubled(first, waiting.tries, QUEUE_MAX)
    until = waiting.sent_at + pause
    if observed.at >= until:
        return None
    if waiting.tries < REPEAT_PATIENCE:
        detail = "the answer to the last reload is not known; it may still be applied"
        release = "the identical config, sent once more"
        return Hold(HoldReason.UNSETTLED, "", detail, release, until=until, progressing=True)
    return Hold(
        HoldReason.WEDGED,
        "",
        f"a reload was sent {waiting.tries} times without an answer, while the server answers everything else: its "
        "config lock is held, perhaps by a new model that cannot load and that somebody else sent",
        "a loadable version of that model, or a restart of the server; the identical config is repeated now and then",
        until=until,
    )


def _takes_effect(observed: Observed, waiting: Outstanding) -> bool:
    """Whether anything moved since it was sent, or a label reads as that reload sets it and the one before did not."""
    if any(version.since > waiting.sent_at for model in observed.models for version in model.versions):
        return True
    return any(
        observed.model(model.name).reading(label).resolves_to(version)
        for model in waiting.config.models
        for label, version in model.labels
        if (before := observed.sent.model(model.name)) is None or before.label(label) != version
    )


def _may_not_have_arrived(observed: Observed, waiting: Outstanding) -> bool:
    """Whether nothing here explains why a new name does not show up: then the reload was perhaps never received.

    Its files were seen, discovery is not frozen, and no version it lists has moved since the reload was sent.
    """
    if any(observed.path(model.base_path).presence is Presence.MISSING for model in waiting.config.models):
        return False
    models = [model for model in waiting.config.models if model.name in waiting.names]
    return all(_has_files(observed, model) for model in models) and any(
        all(
            version.since < waiting.sent_at or version.state is VersionState.ABSENT
            for version in observed.model(model.name).versions
            if not model.listed or version.version in model.listed
        )
        for model in models
    )


def _has_files(observed: Observed, model: ModelConfig) -> bool:
    there = [files.version for files in observed.path(model.base_path).versions if files.complete]
    return bool(there) and all(version in there for version in model.listed)


def _unheard(waiting: Outstanding, names: str, until: float) -> Hold:
    return Hold(
        HoldReason.WEDGED,
        "",
        f"a reload with {names} new to the server was sent {times(waiting.tries)} without an answer; its files are "
        "there, yet it does not show up: the reload may never have arrived, or the server's config lock is held",
        "the identical config, sent once more; if that does not help, a restart of the server",
        until=until,
        progressing=waiting.tries < REPEAT_PATIENCE,
    )


def refusal_pause_ends(refusal: Refusal) -> float:
    """When what was refused may be sent again."""
    return refusal.at + _doubled(1.0, refusal.count, REFUSAL_PAUSE_MAX)


def _refused(_: DesiredServer, observed: Observed) -> Hold | None:
    """A refusal that no model's change explains; suspects are held one by one (`plan/refused.py`)."""
    refusal = observed.refusal
    if refusal is None:
        return None
    poisoned = refusal.message.startswith(POISON)
    if refusal.suspects and not poisoned:
        return None
    until = refusal_pause_ends(refusal)
    if observed.at >= until and not poisoned:
        return None
    way_out = (
        "a restart of the server: its stored config is poisoned by a model without a platform"
        if poisoned
        else "the next try"
    )
    return Hold(
        HoldReason.SERVER_REFUSED,
        "",
        f"the server refused {counted(refusal.count, 'config')} in a row: {refusal.message} (code {refusal.code})",
        way_out,
        until=None if poisoned else until,
        progressing=not poisoned and refusal.count < 3,
    )


def _unproven(_: DesiredServer, observed: Observed) -> Hold | None:
    """A label that answers can be neither carried unproven (rule E4) nor left out: all waits for one answer."""
    models = {model.name: model for model in observed.models}
    for model in observed.sent.models:
        seen = models.get(model.name) or ObservedModel(model.name)
        for label, version in model.labels:
            known = seen.version(version)
            if known.proven or known.going or known.state is not VersionState.AVAILABLE:
                continue
            if seen.reading(label).kind not in (LabelKind.DANGLES, LabelKind.UNDEFINED):
                detail = (
                    f"{model.name} {version} carries label {label}, says AVAILABLE, and has not answered by its number"
                )
                release = "an answer of GetModelMetadata for that version: every reload carries that label"
                return Hold(HoldReason.UNPROVEN, "", detail, release, progressing=True)
    return None


_GATES: tuple[Callable[[DesiredServer, Observed], Hold | None], ...] = (
    _unreachable,
    suspended,
    _adoption,
    _not_seen,
    _outstanding,
    _refused,
    _fenced,
    _unproven,
)
