"""What is remembered of checks, and of the places where labels were."""

from dataclasses import replace

from builders import model, server

from reconciler import belief
from reconciler.belief import checks
from reconciler.state.check import CheckDue, CheckResult, CheckVerdict
from reconciler.state.config import ModelConfig
from reconciler.state.look import Look, ModelLook, PathFacts, Presence, StatusEntry, VersionFiles, VersionState
from reconciler.state.memory import GoodSpec, Memory, Served
from reconciler.state.versions import specific

SERVER = server(model("half", (1, 2), stable=1))
BLANK = belief.first_contact(SERVER)
DUE = CheckDue("half", 2, "golden", "sha256:c", "sha256:2")


def ended(verdict: CheckVerdict, at: float = 1.0, due: CheckDue = DUE) -> CheckResult:
    return CheckResult(due, verdict, at, "seen")


def told(*results: CheckResult, memory: Memory = BLANK) -> Memory:
    for each in results:
        memory = belief.checked(memory, (each,))
    return memory


def test_a_newer_result_replaces_an_older_one() -> None:
    memory = told(ended(CheckVerdict.FAILED), ended(CheckVerdict.PASSED, 2.0))
    assert memory.checks == (ended(CheckVerdict.PASSED, 2.0),)


def test_tries_without_an_answer_are_counted_in_a_row() -> None:
    silent = CheckVerdict.UNANSWERED
    assert [each.tries for each in told(ended(silent), ended(silent, 2.0), ended(silent, 3.0)).checks] == [3]
    again = told(ended(silent), ended(silent, 2.0), ended(CheckVerdict.PASSED, 3.0), ended(silent, 4.0))
    assert [each.tries for each in again.checks] == [1]


def test_pauses_between_tries_double_up_to_a_minute() -> None:
    pauses = [replace(ended(CheckVerdict.UNANSWERED, 0.0), tries=tries).again_at for tries in (1, 2, 3, 7, 1000)]
    assert pauses == [1.0, 2.0, 4.0, 60.0, 60.0]


def test_results_of_other_files_and_other_checks_stand_beside_each_other() -> None:
    others = (DUE, replace(DUE, fingerprint="sha256:3"), replace(DUE, digest="sha256:d"), replace(DUE, against=1))
    assert len(told(*(ended(CheckVerdict.PASSED, due=each) for each in others)).checks) == 4


def test_no_result_changes_nothing() -> None:
    assert belief.checked(BLANK, ()) is BLANK


def learned(memory: Memory) -> Memory:
    entries = (StatusEntry(1, VersionState.AVAILABLE),)
    return belief.learn(SERVER, memory, Look(SERVER.id, 5.0, models=(ModelLook("half", entries),)))


def test_only_so_many_results_of_a_model_are_kept_the_newest() -> None:
    many = [ended(CheckVerdict.PASSED, number, replace(DUE, version=number)) for number in range(1, 100)]
    kept = learned(told(*many)).checks
    assert [each.due.version for each in kept] == [*range(100 - checks.KEPT_CHECKS, 100)]


def test_results_of_models_that_nothing_names_are_forgotten() -> None:
    gone = replace(DUE, model="gone")
    assert learned(told(ended(CheckVerdict.PASSED), ended(CheckVerdict.PASSED, due=gone))).checks == (
        ended(CheckVerdict.PASSED),
    )


def test_a_spec_that_was_reached_says_where_its_labels_were_and_on_which_files() -> None:
    files = PathFacts("/models/half", Presence.SEEN, (VersionFiles(1, fingerprint="sha256:1"),))
    good = GoodSpec(ModelConfig("half", "/models/half", specific(1, 2), (("beta", 2), ("stable", 1))), "d", 1.0)
    memory = belief.reached(replace(BLANK, paths=(files,)), (good,))
    assert memory.served == (Served("half", "beta", 2), Served("half", "stable", 1, "sha256:1"))
    assert belief.reached(memory, (good,)).served == memory.served


def test_only_so_many_places_of_a_model_are_kept() -> None:
    memory = BLANK
    for number in range(1, 60):
        good = GoodSpec(ModelConfig("half", "/models/half", specific(number), (("stable", number),)), "d", 1.0)
        memory = belief.reached(memory, (good,))
    kept = learned(memory).served
    assert [each.version for each in kept] == [*range(60 - checks.KEPT_SERVED, 60)]


def test_what_is_remembered_is_believed() -> None:
    memory = replace(told(ended(CheckVerdict.PASSED)), served=(Served("half", "stable", 1),))
    observed = belief.believe(SERVER, memory, Look(SERVER.id, 5.0))
    assert (observed.checks, observed.served) == (memory.checks, memory.served)


def test_another_address_is_another_server() -> None:
    moved = replace(SERVER, grpc="elsewhere:8500")
    assert belief.learn(moved, told(ended(CheckVerdict.PASSED)), Look(moved.id, 5.0)).checks == ()


def test_a_comparison_answers_for_both_directions_and_for_files_that_are_not_seen() -> None:
    pair = replace(DUE, against=1, against_fingerprint="sha256:1")
    result = ended(CheckVerdict.PASSED, due=pair)
    turned = CheckDue("half", 1, "golden", "sha256:c", "sha256:1", 2, "sha256:2")
    assert result.tells_of(turned)
    assert result.tells_of(replace(pair, fingerprint=""))
    assert not result.tells_of(replace(pair, fingerprint="sha256:9"))
    assert not result.tells_of(replace(pair, against=3))
    assert not result.tells_of(DUE)
