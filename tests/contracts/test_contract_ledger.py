"""What every Ledger does, the real one and the simulator's: add an implementation to LEDGERS and it is held to this."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.ledger import SqliteLedger
from reconciler.ports import Ledger
from reconciler.sim.ledger import MemoryLedger, Pages
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Commit
from reconciler.state.entry import Entry
from reconciler.state.memory import Answer, AnswerKind, Memory, Outstanding, Standing
from reconciler.state.outcome import (
    Condition,
    ConditionStatus,
    ConditionType,
    Health,
    Intent,
    Outcome,
    OutcomeKind,
    Sent,
    Status,
    Sync,
)
from reconciler.state.plan import Action, ActionKind, Pass, PassKind
from reconciler.state.versions import All, Latest, specific

LEDGERS: dict[str, Callable[[Path], Ledger]] = {
    "simulated": lambda _: MemoryLedger(Pages()),
    "sqlite": lambda folder: SqliteLedger(folder / "ledger.sqlite"),
}

CONFIG = ServerConfig(
    (
        ModelConfig("a", "/models/a", specific(1, 2), (("stable", 1),)),
        ModelConfig("b", "/models/b", Latest(2)),
        ModelConfig("c", "/models/c", All()),
    )
)
COMMIT = Commit("c0ffee", "Ann")
LOAD = Action(ActionKind.LOAD, "a", version=2, because="git lists it")
LABEL = Action(ActionKind.LABEL, "a", version=2, label="stable", before=1)
OTHER = Action(ActionKind.UNLOAD, "b", version=7)
BODY = Pass(1, PassKind.CHANGE, (LOAD, LABEL), CONFIG, specs=(("a", "sha256:1"),))
MEMORY = Memory("eu/gpu-1", "gpu-1:8500", Standing.KNOWN, sent=CONFIG)
WAITING = Memory("eu/gpu-1", "gpu-1:8500", Standing.KNOWN, sent=CONFIG, outstanding=Outstanding(CONFIG, (), 7.5))
STATUS = Status(
    "eu/gpu-1",
    "a",
    Sync.SYNCED,
    Health.HEALTHY,
    (Condition(ConditionType.READY, ConditionStatus.TRUE, "Converged", "Everything is as git says.", 3.0),),
    "c0ffee",
    4.0,
)


@pytest.fixture(params=sorted(LEDGERS))
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    made = LEDGERS[request.param](tmp_path)
    yield made
    getattr(made, "close", lambda: None)()


def intend(ledger: Ledger, server: str = "eu/gpu-1", body: Pass = BODY) -> Intent:
    return ledger.intend(7.5, Commit("c0ffee"), server, body, Memory(server, "gpu:8500"))


def done(intent: Intent, action: Action) -> Outcome:
    return Outcome(intent.id, action, OutcomeKind.DONE, 9.0, "v2 AVAILABLE")


def test_a_new_ledger_remembers_nothing(ledger: Ledger) -> None:
    assert not ledger.memories()
    assert ledger.memory("eu/gpu-1") is None
    assert not ledger.intents()
    assert not ledger.unsettled("eu/gpu-1")
    assert not ledger.outcomes(1)
    assert not ledger.statuses()
    assert ledger.good_commit() is None
    assert ledger.noted("source") is None
    assert ledger.plan_json("eu/gpu-1") is None


def test_a_memory_is_given_back_as_it_was_kept(ledger: Ledger) -> None:
    ledger.remember(MEMORY)
    assert ledger.memory("eu/gpu-1") == MEMORY
    assert list(ledger.memories()) == [MEMORY]


def test_a_later_memory_replaces_the_earlier_one_of_that_server_only(ledger: Ledger) -> None:
    other = Memory("eu/gpu-2", "gpu-2:8500")
    ledger.remember(MEMORY)
    ledger.remember(other)
    ledger.remember(WAITING)
    assert list(ledger.memories()) == [WAITING, other]


def test_an_intent_comes_with_the_memory_in_which_it_is_outstanding(ledger: Ledger) -> None:
    ledger.remember(MEMORY)
    intent = ledger.intend(7.5, Commit("c0ffee"), "eu/gpu-1", BODY, WAITING)
    assert (intent.at, intent.commit, intent.server, intent.body) == (7.5, "c0ffee", "eu/gpu-1", BODY)
    assert ledger.memory("eu/gpu-1") == WAITING
    assert list(ledger.intents()) == [intent]


def test_intents_are_numbered_upwards_and_listed_newest_first(ledger: Ledger) -> None:
    first, second, third = intend(ledger), intend(ledger, "eu/gpu-2"), intend(ledger)
    assert first.id < second.id < third.id
    assert list(ledger.intents()) == [third, second, first]
    assert list(ledger.intents(server="eu/gpu-1")) == [third, first]
    assert list(ledger.intents(limit=1)) == [third]


def test_an_answer_is_kept_with_the_memory_that_follows_from_it(ledger: Ledger) -> None:
    intent = intend(ledger)
    ledger.answered(Sent(intent, Answer(AnswerKind.REFUSED, 9, "no"), 8.0), MEMORY)
    assert ledger.memory("eu/gpu-1") == MEMORY


def test_a_reload_answered_twice_is_no_error(ledger: Ledger) -> None:
    intent = intend(ledger)
    ledger.answered(Sent(intent, Answer(AnswerKind.ACCEPTED), 8.0), MEMORY)
    ledger.answered(Sent(intent, Answer(AnswerKind.NONE), 9.0), WAITING)
    assert ledger.memory("eu/gpu-1") == WAITING


def test_every_action_of_a_new_intent_is_unsettled(ledger: Ledger) -> None:
    intent = intend(ledger)
    assert [(each, list(left)) for each, left in ledger.unsettled("eu/gpu-1")] == [(intent, [0, 1])]
    assert not ledger.unsettled("eu/gpu-2")


def test_an_outcome_leaves_the_other_actions_unsettled(ledger: Ledger) -> None:
    intent = intend(ledger)
    ledger.settle([done(intent, LOAD)])
    assert [(each, list(left)) for each, left in ledger.unsettled("eu/gpu-1")] == [(intent, [1])]


def test_unsettled_intents_come_oldest_first(ledger: Ledger) -> None:
    first, second = intend(ledger), intend(ledger)
    assert [each for each, _ in ledger.unsettled("eu/gpu-1")] == [first, second]


def test_an_intent_with_an_outcome_for_each_action_is_settled(ledger: Ledger) -> None:
    intent, other = intend(ledger), intend(ledger, "eu/gpu-2")
    ledger.settle([done(intent, LABEL), done(intent, LOAD), done(other, LOAD)])
    assert not ledger.unsettled("eu/gpu-1")
    assert [list(left) for _, left in ledger.unsettled("eu/gpu-2")] == [[1]]
    assert list(ledger.outcomes(intent.id)) == [done(intent, LOAD), done(intent, LABEL)]


def test_the_first_outcome_of_an_action_stands(ledger: Ledger) -> None:
    intent = intend(ledger)
    ledger.settle([done(intent, LOAD)])
    ledger.settle([Outcome(intent.id, LOAD, OutcomeKind.FAILED, 10.0, "late")])
    assert list(ledger.outcomes(intent.id)) == [done(intent, LOAD)]


def test_a_pass_without_actions_leaves_nothing_to_settle(ledger: Ledger) -> None:
    intend(ledger, body=Pass(1, PassKind.RESEND, (), CONFIG))
    assert not ledger.unsettled("eu/gpu-1")


def test_settling_nothing_is_no_error(ledger: Ledger) -> None:
    ledger.settle([])


def test_the_good_commit_is_the_last_one_noted(ledger: Ledger) -> None:
    ledger.set_good_commit("c0ffee")
    ledger.set_good_commit("beef")
    assert ledger.good_commit() == "beef"


def test_a_note_is_no_good_commit_whatever_its_key(ledger: Ledger) -> None:
    ledger.note("good-commit", "a note")
    assert ledger.noted("good-commit") == "a note"
    assert ledger.good_commit() is None


def test_statuses_of_a_server_are_replaced_whole(ledger: Ledger) -> None:
    ledger.set_statuses("eu/gpu-2", [], "{}")
    ledger.set_statuses("eu/gpu-1", [STATUS, STATUS], "{}")
    ledger.set_statuses("eu/gpu-1", [STATUS], '{"passes": []}')
    assert list(ledger.statuses()) == [STATUS]
    assert ledger.plan_json("eu/gpu-1") == '{"passes": []}'


def test_a_server_without_statuses_and_plan_is_as_if_nothing_was_ever_told_of_it(ledger: Ledger) -> None:
    ledger.set_statuses("eu/gpu-1", [STATUS], "{}")
    ledger.remember(MEMORY)
    ledger.set_statuses("eu/gpu-1", [], "")
    assert not ledger.statuses()
    assert ledger.plan_json("eu/gpu-1") is None
    assert ledger.memory("eu/gpu-1") == MEMORY


def kinds(lines: Sequence[Entry]) -> list[tuple[str, int, str]]:
    return [(str(line.kind), line.intent, line.model) for line in lines]


def test_an_intent_has_one_line_for_each_model(ledger: Ledger) -> None:
    intent = ledger.intend(7.5, COMMIT, "eu/gpu-1", replace(BODY, actions=(LOAD, OTHER, LABEL)), MEMORY)
    lines = ledger.entries()
    assert kinds(lines) == [("intent", intent.id, "a"), ("intent", intent.id, "b")]
    assert [(line.id, line.commit, line.author, line.digest) for line in lines] == [
        (1, "c0ffee", "Ann", "sha256:1"),
        (2, "c0ffee", "Ann", ""),
    ]


def test_lines_are_chained_each_to_the_one_before(ledger: Ledger) -> None:
    ledger.settle([done(intend(ledger), LOAD), done(intend(ledger), LABEL)])
    lines = ledger.entries()
    assert [line.previous for line in lines] == ["", *(line.hash for line in lines[:-1])]
    assert [line.id for line in lines] == [*range(1, len(lines) + 1)]


def test_a_models_part_of_a_pass_ends_with_one_line_when_its_last_action_has(ledger: Ledger) -> None:
    intent = ledger.intend(7.5, COMMIT, "eu/gpu-1", replace(BODY, actions=(LOAD, OTHER, LABEL)), MEMORY)
    ledger.settle([done(intent, LOAD)])
    assert len(ledger.entries()) == 2
    ledger.settle([done(intent, OTHER)])
    ledger.settle([Outcome(intent.id, LABEL, OutcomeKind.FAILED, 11.0, "no")])
    ended = ledger.entries()[2:]
    assert kinds(ended) == [("outcome", intent.id, "b"), ("outcome", intent.id, "a")]
    assert [(each.kind, each.outcome) for each in ended[1].actions] == [("load", "Done"), ("label", "Failed")]
    assert (ended[1].started, ended[1].finished, ended[1].outcome) == (7.5, 11.0, "Failed")


def test_an_end_is_told_once_whatever_is_settled_later(ledger: Ledger) -> None:
    intent = intend(ledger)
    ledger.settle([done(intent, LOAD), done(intent, LABEL)])
    ledger.settle([Outcome(intent.id, LOAD, OutcomeKind.FAILED, 12.0)])
    assert kinds(ledger.entries()) == [("intent", intent.id, "a"), ("outcome", intent.id, "a")]
    assert ledger.entries()[1].outcome == "Done"


def test_a_reload_without_actions_has_a_line(ledger: Ledger) -> None:
    intent = intend(ledger, body=Pass(1, PassKind.RESEND, (), CONFIG))
    assert kinds(ledger.entries()) == [("intent", intent.id, "")]


def test_lines_are_chosen_by_model_server_and_number(ledger: Ledger) -> None:
    both = replace(BODY, actions=(LOAD, OTHER))
    for server in ("eu/gpu-1", "eu/gpu-2", "eu/gpu-1"):
        intend(ledger, server, both)
    assert [line.id for line in ledger.entries(model="b")] == [2, 4, 6]
    assert [line.id for line in ledger.entries(server="eu/gpu-2")] == [3, 4]
    assert [line.id for line in ledger.entries(model="a", server="eu/gpu-1")] == [1, 5]
    assert [line.id for line in ledger.entries(after=4)] == [5, 6]
    assert [line.id for line in ledger.entries(after=1, limit=2)] == [2, 3]
    assert not ledger.entries(model="c")


def test_the_parent_of_a_line_is_the_commit_whose_spec_was_reached_before(ledger: Ledger) -> None:
    reached = replace(MEMORY, past=(("a", "sha256:1"),))
    ledger.intend(1.0, Commit("c1"), "eu/gpu-1", BODY, MEMORY)
    ledger.intend(2.0, Commit("c2"), "eu/gpu-1", replace(BODY, specs=(("a", "sha256:2"),)), reached)
    ledger.intend(3.0, Commit("c2"), "eu/gpu-1", BODY, reached)
    ledger.intend(3.0, Commit("c9"), "eu/gpu-2", BODY, replace(reached, server="eu/gpu-2"))
    ledger.intend(4.0, Commit("c2"), "eu/gpu-1", BODY, reached)
    assert [line.parent for line in ledger.entries()] == ["", "c1", "c1", "", "c1"]
    assert [line.initiated_by for line in ledger.entries()] == ["commit", "commit", "restore", "drift", "restore"]
