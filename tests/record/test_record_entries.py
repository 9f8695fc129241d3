"""What ledger lines say: which models, what stood before, who began it, how it ended."""

from dataclasses import replace

import pytest

from reconciler.record import entries
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Commit
from reconciler.state.entry import Entry, EntryAction, EntryKind, Initiator
from reconciler.state.memory import Departure, GoodSpec, Memory
from reconciler.state.outcome import Intent, Outcome, OutcomeKind
from reconciler.state.plan import Action, ActionKind, Pass, PassKind
from reconciler.state.versions import specific

COMMIT = Commit(
    "c2", "Ann <ann@example.com>", 1.0, "Promote v2", committer="Bot <bot@example.com>", signer="SHA256:key"
)
LOAD = Action(ActionKind.LOAD, "a", version=2, because="git lists it")
LABEL = Action(ActionKind.LABEL, "a", version=2, label="stable", before=1)
OTHER = Action(ActionKind.UNLOAD, "b", version=7)
CHECK = Action(ActionKind.CHECK, "a", version=2, check="golden")
MEMORY = Memory("eu/gpu-1", "gpu-1:8500")


def sent(*actions: Action, kind: PassKind = PassKind.CHANGE, **specs: str) -> Intent:
    return Intent(9, 7.5, "c2", "eu/gpu-1", Pass(1, kind, actions, ServerConfig(), specs=tuple(specs.items())))


def lines(
    intent: Intent, memory: Memory = MEMORY, before: tuple[Entry, ...] = (), commit: Commit = COMMIT
) -> list[Entry]:
    def latest(model: str, digest: str | None) -> Entry | None:
        found = (each for each in reversed(before) if each.model == model)
        brought = (each for each in found if each.digest == digest and each.initiated_by not in entries.PUT_BACK)
        return next(found if digest is None else brought, None)

    return [*entries.opened(intent, commit, memory, latest)]


def line(commit: str, digest: str, model: str = "a") -> Entry:
    (found,) = lines(sent(replace(LOAD, model=model), kind=PassKind.CHANGE, **{model: digest}))
    return replace(found, commit=commit)


def test_a_pass_has_one_line_per_model_with_the_actions_of_that_model_only() -> None:
    found = lines(sent(LOAD, OTHER, LABEL, a="A"))
    assert [(each.model, [action.kind for action in each.actions]) for each in found] == [
        ("a", ["load", "label"]),
        ("b", ["unload"]),
    ]
    assert [each.digest for each in found] == ["A", ""]


def test_a_line_says_whose_commit_it_is_for() -> None:
    (found,) = lines(sent(LOAD))
    assert (found.commit, found.author, found.committer, found.signer) == (
        "c2",
        "Ann <ann@example.com>",
        "Bot <bot@example.com>",
        "SHA256:key",
    )
    assert (found.fleet, found.server, found.intent, found.started) == ("eu", "eu/gpu-1", 9, 7.5)
    assert (found.reason, found.actions[0].because) == ("Promote v2", "git lists it")


def test_a_check_is_named() -> None:
    (found,) = lines(sent(CHECK, kind=PassKind.CHECK))
    assert found.actions == (EntryAction("check", 2, check="golden"),)


def test_a_reload_that_changes_no_model_has_a_line_all_the_same() -> None:
    (found,) = lines(sent(kind=PassKind.RESEND, a="A"))
    assert (found.model, found.actions) == ("", ())
    assert "once more" in found.reason


def test_the_parent_is_the_commit_whose_spec_was_reached_last() -> None:
    memory = replace(MEMORY, past=(("a", "A"), ("a", "B"), ("other", "C")))
    before = (line("c0", "B"), line("c1", "X"))
    (found,) = lines(sent(LOAD, a="D"), memory, before)
    assert found.parent == "c0"


def test_the_good_spec_tells_what_was_reached_where_nothing_else_does() -> None:
    good = GoodSpec(ModelConfig("a", "/models/a", specific(1)), "A", 1.0)
    (found,) = lines(sent(LOAD, a="D"), replace(MEMORY, good=(good,)), (line("c0", "A"),))
    assert found.parent == "c0"


@pytest.mark.parametrize("memory", [MEMORY, replace(MEMORY, past=(("a", "unknown"),))])
def test_without_a_line_of_what_was_reached_there_is_no_parent(memory: Memory) -> None:
    (found,) = lines(sent(LOAD, a="D"), memory, (line("c0", "A"),))
    assert found.parent == ""


def test_what_was_reached_and_is_no_longer_so_is_drift() -> None:
    (found,) = lines(sent(LOAD, a="A"), replace(MEMORY, past=(("a", "A"),)), (line("c1", "A"),))
    assert found.initiated_by == Initiator.DRIFT
    assert found.reason == "what had been reached was no longer so: git lists it"
    assert found.parent == "c1"


def test_going_back_because_this_very_commit_failed_is_a_restore() -> None:
    (found,) = lines(sent(LOAD, a="A"), replace(MEMORY, past=(("a", "A"),)), (line("c1", "A"), line("c2", "B")))
    assert found.initiated_by == Initiator.RESTORE


def test_every_pass_of_a_restore_is_one_and_its_parent_is_the_commit_that_stood_before() -> None:
    memory, first = replace(MEMORY, past=(("a", "A"),)), (line("c1", "A"), line("c2", "B"))
    (restore,) = lines(sent(LOAD, a="A"), memory, first)
    (second,) = lines(sent(LABEL, a="A"), memory, (*first, restore))
    assert (second.initiated_by, second.parent) == (Initiator.RESTORE, "c1")


def test_what_was_put_back_and_is_lost_under_a_later_commit_is_drift() -> None:
    memory, first = replace(MEMORY, past=(("a", "A"),)), (line("c1", "A"), line("c2", "B"))
    (restore,) = lines(sent(LOAD, a="A"), memory, first)
    (healed,) = lines(sent(LOAD, a="A"), memory, (*first, restore), replace(COMMIT, id="c3"))
    assert (healed.initiated_by, healed.parent) == (Initiator.DRIFT, "c1")


def test_going_back_because_a_later_commit_says_so_is_that_commits_doing() -> None:
    memory, before = replace(MEMORY, past=(("a", "A"),)), (line("c1", "A"), line("c2", "B"))
    (found,) = lines(sent(LOAD, a="A"), memory, before, replace(COMMIT, id="c3", subject='Revert "Promote v2"'))
    assert found.initiated_by == Initiator.ROLLBACK


def test_unloading_what_was_kept_for_a_while_is_the_end_of_the_commits_way() -> None:
    memory = replace(MEMORY, past=(("b", "B"),), departures=(Departure("b", 7, 1.0),))
    (found,) = lines(sent(OTHER, b="B"), memory, (line("c1", "B", "b"),))
    assert found.initiated_by == Initiator.COMMIT


def test_a_pass_on_the_way_is_the_commits_although_a_line_has_the_digest() -> None:
    (found,) = lines(sent(LABEL, a="B"), replace(MEMORY, past=(("a", "A"),)), (line("c2", "B"),))
    assert found.initiated_by == Initiator.COMMIT


@pytest.mark.parametrize(
    ("subject", "trailers", "initiator"),
    [
        ("Promote v2", (), Initiator.COMMIT),
        ('Revert "Promote v2"', (), Initiator.ROLLBACK),
        ("Back", (("Rollback-To", "c1"),), Initiator.ROLLBACK),
        ("Back", (("rollback-of", "c2"), ("Rollback-Trigger", "manual")), Initiator.ROLLBACK),
        ("Back", (("Rollback-Trigger", "Auto"), ("Reconciler-Bot", "rollback")), Initiator.AUTO_ROLLBACK),
        ("Back", (("Reconciler-Bot", "rollback"),), Initiator.AUTO_ROLLBACK),
        ("Take v3", (("Reconciler-Bot", "version"),), Initiator.BOT),
        ("Stay", (("Rollback-Trigger", "pin"),), Initiator.PIN),
    ],
)
def test_a_commit_says_of_itself_what_began_it(
    subject: str, trailers: tuple[tuple[str, str], ...], initiator: Initiator
) -> None:
    assert entries.by_trailers(Commit("c", subject=subject, trailers=trailers)) == initiator


def test_a_rollback_gives_its_own_reason() -> None:
    trailers = (("Rollback-Of", "c1"), ("Rollback-Reason", "p99 doubled"))
    (found,) = lines(sent(LOAD), commit=replace(COMMIT, trailers=trailers))
    assert found.reason == "p99 doubled"


def test_the_end_says_how_each_action_ended_and_the_worst_of_them() -> None:
    (opening,) = lines(sent(LOAD, LABEL, a="A"))
    ended = entries.closed(
        opening,
        [
            (LOAD, Outcome(9, LOAD, OutcomeKind.FAILED, 9.0, "no such file")),
            (LABEL, Outcome(9, LABEL, OutcomeKind.OVERTAKEN, 8.0, "later")),
        ],
    )
    assert (ended.kind, ended.outcome, ended.evidence, ended.finished) == (
        EntryKind.OUTCOME,
        "Failed",
        "no such file",
        9.0,
    )
    assert [(each.outcome, each.evidence) for each in ended.actions] == [
        ("Failed", "no such file"),
        ("Overtaken", "later"),
    ]
    assert (ended.commit, ended.digest, ended.started) == (opening.commit, opening.digest, opening.started)
