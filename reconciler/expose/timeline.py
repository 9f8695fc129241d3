"""What was done, when, because of which commit, and how it ended: intents with their outcomes as lines and as data.

Called by `explain`, by the progress of `apply` and by the demo. Intents and outcomes come from the ledger.
"""

from dataclasses import dataclass

from reconciler.expose import words
from reconciler.expose.documents import Data
from reconciler.state.config import ServerConfig
from reconciler.state.outcome import Intent, Outcome, OutcomeKind
from reconciler.state.plan import Action


@dataclass(frozen=True, slots=True)
class Done:
    """One intent with the outcomes known so far."""

    intent: Intent
    outcomes: tuple[Outcome, ...] = ()

    def outcome(self, action: Action) -> Outcome | None:
        """How that action ended, None while it is open."""
        return next((each for each in self.outcomes if each.action == action), None)

    @property
    def finished(self) -> bool:
        """Whether every action has an outcome."""
        return len(self.outcomes) >= len(self.intent.body.actions)


def headline(done: Done) -> str:
    """One pass in one line: when, where, what, and how it ended."""
    intent = done.intent
    said = "; ".join(deeds(intent)) or "the same config once more"
    return f"{words.moment(intent.at)}  {intent.server}  {said}: {_verdict(done)}"


def done_lines(done: Done) -> list[str]:
    """The headline, then one line per action with how it ended and after how long."""
    actions = done.intent.body.actions
    return [
        headline(done),
        *(f"  {words.sign(each)} {_deed(each, done.intent.body.config)}  {_ended(done, each)}" for each in actions),
    ]


def deeds(intent: Intent) -> list[str]:
    """The actions of a pass, one text each, with their models' names."""
    return [_deed(each, intent.body.config) for each in intent.body.actions]


def deed_without_config(action: Action) -> str:
    """What an action does, with its model's name, where its pass's config is not at hand."""
    return _deed(action, ServerConfig())


def done_document(done: Done) -> dict[str, Data]:
    """One pass with its outcomes as data."""
    intent = done.intent
    return {
        "intent": intent.id,
        "at": words.timestamp(intent.at),
        "server": intent.server,
        "commit": intent.commit,
        "actions": [_action(done, each) for each in intent.body.actions],
    }


def _action(done: Done, action: Action) -> dict[str, Data]:
    ended = done.outcome(action)
    return {
        "kind": str(action.kind),
        "model": action.model,
        "text": words.deed(action, done.intent.body.config),
        "outcome": str(ended.kind) if ended else None,
        "evidence": ended.evidence if ended else "",
        "endedAt": words.timestamp(ended.at) if ended else None,
    }


def _deed(action: Action, config: ServerConfig) -> str:
    return f"{action.model} {' '.join(words.deed(action, config).split())}"


def _ended(done: Done, action: Action) -> str:
    ended = done.outcome(action)
    if ended is None:
        return "under way"
    evidence = f" ({ended.evidence})" if ended.evidence else ""
    return f"{words.spaced(ended.kind)} after {words.duration(ended.at - done.intent.at)}{evidence}"


def _verdict(done: Done) -> str:
    failed = next((each for each in done.outcomes if each.kind is not OutcomeKind.DONE), None)
    if failed is not None:
        return words.spaced(failed.kind) + (f", {failed.evidence}" if failed.evidence else "")
    if not done.finished:
        return "under way"
    ended = max((each.at for each in done.outcomes), default=done.intent.at)
    return f"done after {words.duration(ended - done.intent.at)}"
