"""How the actions of open intents ended, by observation alone.

Pure; called by a lane after each look. An action ends DONE when everything it leads to is seen, FAILED when the server
said that a load failed, OVERTAKEN when the config in force no longer asks for it (another pass, another life),
TIMED_OUT past its deadline. A server that does not answer settles nothing: not seeing is not knowing. A check ends with
the result that was got since its intent, whichever process got it.
Deliberately not here: REFUSED, which the answer itself decides (send).
"""

from collections.abc import Sequence

from reconciler.execute.facts import config_is_known, holds, last_check
from reconciler.plan import spec_digest
from reconciler.state.check import CheckVerdict
from reconciler.state.config import ServerConfig
from reconciler.state.desired import DesiredServer
from reconciler.state.memory import Standing
from reconciler.state.observed import Observed, ObservedVersion
from reconciler.state.outcome import Intent, Outcome, OutcomeKind
from reconciler.state.plan import Action, ActionKind
from reconciler.state.versions import Specific

OpenIntents = Sequence[tuple[Intent, Sequence[int]]]

_LOADING = frozenset({ActionKind.ADD_MODEL, ActionKind.LOAD, ActionKind.POLICY})
_UNLOADING = frozenset({ActionKind.UNLOAD, ActionKind.REMOVE_MODEL})
CHECK_DEADLINE = 300.0
"""Seconds after which a check counts as never run; it has a deadline of its own, mostly far shorter."""

_CHECK_ENDS = {
    CheckVerdict.PASSED: OutcomeKind.DONE,
    CheckVerdict.FAILED: OutcomeKind.FAILED,
    CheckVerdict.UNANSWERED: OutcomeKind.TIMED_OUT,
}
_ONE_VERSION_LOADS = frozenset({ActionKind.ADD_MODEL, ActionKind.LOAD})


def settle(server: DesiredServer, still_open: OpenIntents, observed: Observed) -> tuple[Outcome, ...]:
    """The outcomes that can be told now, oldest intent first; what is still on its way has none.

    Args:
        server: gives the deadlines, in seconds; a model's own `loadDeadline` goes before the fleet's.
        still_open: intents with the indices of their actions that have no outcome yet (`Ledger.unsettled`).
        observed: the server as believed now; its `at` is the time of the outcomes.
    """
    if not observed.reach.answers:
        return ()
    found = []
    for intent, indices in still_open:
        for index in indices:
            outcome = _outcome(server, intent, intent.body.actions[index], observed)
            if outcome is not None:
                found.append(outcome)
    return tuple(found)


def deadline_of(server: DesiredServer, action: Action) -> float:
    """Seconds after its intent by which an action should have been seen done."""
    deadlines = server.fleet.deadlines
    if action.kind is ActionKind.CHECK:
        return CHECK_DEADLINE
    if action.kind in _UNLOADING:
        return deadlines.unload
    model = server.model(action.model)
    own = model.transition.load_deadline if model is not None else None
    load = deadlines.load if own is None else own
    if action.kind in _LOADING:
        return load
    # A label is effective when the reload returns, but that reload may queue behind one that loads a new model.
    return deadlines.reload + load


def _outcome(server: DesiredServer, intent: Intent, action: Action, observed: Observed) -> Outcome | None:
    def ended(kind: OutcomeKind, evidence: str) -> Outcome:
        return Outcome(intent.id, action, kind, observed.at, evidence)

    if action.kind is ActionKind.CHECK:
        result = next((last_check(fact, observed) for fact in action.leads_to), None)
        if result is not None and result.at >= intent.at:
            return ended(_CHECK_ENDS[result.verdict], result.evidence)
    elif all(holds(fact, observed, intent.body.config) for fact in action.leads_to):
        return ended(OutcomeKind.DONE, _seen(action, observed))
    failure = _failure(action, observed)
    if failure:
        return ended(OutcomeKind.FAILED, failure)
    overtaken = _check_overtaken(server, intent, action, observed)
    overtaken = overtaken or _overtaken(action, observed, intent.body.config)
    if overtaken:
        return ended(OutcomeKind.OVERTAKEN, overtaken)
    limit = deadline_of(server, action)
    if observed.at >= intent.at + limit:
        return ended(OutcomeKind.TIMED_OUT, f"not seen within {limit:g} s: {_seen(action, observed)}")
    return None


def _failure(action: Action, observed: Observed) -> str:
    """The server's words where the load that the action asked for failed; "" otherwise."""
    if action.kind not in _ONE_VERSION_LOADS or action.version is None:
        return ""
    version = observed.model(action.model).version(action.version)
    return str(version.error) if version.failed else ""


def _check_overtaken(server: DesiredServer, intent: Intent, action: Action, observed: Observed) -> str:
    """Why nobody waits for a check any more; "" where somebody does, or where the action is none."""
    if action.kind is not ActionKind.CHECK:
        return ""
    wanted = server.model(action.model)
    if wanted is None or dict(intent.body.specs).get(action.model) != spec_digest(wanted, observed):
        return "another spec is wanted by now"
    others = [
        each
        for each in observed.checks
        if (each.due.model, each.due.version) == (action.model, action.version) and each.at >= intent.at
    ]
    failed = next((each.due.check for each in others if each.verdict is CheckVerdict.FAILED), "")
    return f"check {failed} failed before it" if failed else ""


def _overtaken(action: Action, observed: Observed, config: ServerConfig) -> str:
    """Why nothing in force asks for the action any more; "" while something may."""
    if observed.standing in (Standing.RESTARTED, Standing.FIRST_CONTACT):
        return "the server started anew, or is no longer the one remembered, before this was seen done"
    if not config_is_known(observed) or observed.sent == config:
        return ""
    return _replaced(action, observed.sent, config)


def _replaced(action: Action, now: ServerConfig, then: ServerConfig) -> str:
    """What a later config says instead, as far as it concerns the action."""
    new, old = now.model(action.model), then.model(action.model)
    if action.kind is ActionKind.REMOVE_MODEL:
        return "the model is listed again" if new is not None else ""
    if new is None or old is None:
        return "the config in force no longer lists the model" if new is None else ""
    replaced = {
        ActionKind.LOAD: action.version not in new.listed,
        ActionKind.ADD_MODEL: action.version not in new.listed and new.policy != old.policy,
        ActionKind.UNLOAD: action.version in new.listed or not isinstance(new.policy, Specific),
        ActionKind.LABEL: action.label is not None and new.label(action.label) != action.version,
        ActionKind.UNLABEL: action.label is not None and new.label(action.label) is not None,
        ActionKind.REPOINT: new.base_path != old.base_path,
        ActionKind.POLICY: new.policy != old.policy,
    }
    return "a later reload asks for something else" if replaced.get(action.kind, False) else ""


def _seen(action: Action, observed: Observed) -> str:
    """What the server shows of the thing that the action is about, in a few words."""
    model = observed.model(action.model)
    if action.label is not None:
        reading = model.reading(action.label)
        return f"label {action.label} {reading.kind.lower()}" + (f" to {reading.version}" if reading.version else "")
    if action.version is not None:
        return _state(model.version(action.version))
    return f"{action.model} is {'in' if observed.sent.model(action.model) else 'not in'} the config in force"


def _state(version: ObservedVersion) -> str:
    said = f": {version.error}" if version.error is not None else ""
    return f"version {version.version} {version.state.name}{said}"
