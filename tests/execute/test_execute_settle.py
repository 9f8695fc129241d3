"""How open actions end, judged by observation."""

from dataclasses import replace

import pytest

from reconciler.execute import holds, settle
from reconciler.plan import spec_digest
from reconciler.state.check import Check, CheckDue, CheckResult, CheckVerdict
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Deadlines, DesiredModel, DesiredServer, Fleet, Transition
from reconciler.state.look import (
    LabelKind,
    LabelReading,
    PathFacts,
    Presence,
    Reach,
    ReachKind,
    ServingError,
    VersionFiles,
    VersionState,
)
from reconciler.state.memory import Outstanding, Standing
from reconciler.state.observed import Observed, ObservedModel, ObservedVersion
from reconciler.state.outcome import Intent, Outcome, OutcomeKind
from reconciler.state.plan import Action, ActionKind, Fact, FactKind, Pass, PassKind
from reconciler.state.versions import Latest, specific

SERVER = DesiredServer(
    Fleet("eu", deadlines=Deadlines(load=100, unload=20)),
    "gpu-1",
    "gpu-1:8500",
    models=(DesiredModel("half", "half", "/models/half", specific(2)),),
)
CONFIG = ServerConfig((ModelConfig("half", "/models/half", specific(1, 2), (("stable", 2),)),))

LOAD = Action(ActionKind.LOAD, "half", 2, leads_to=(Fact(FactKind.AVAILABLE, "half", 2),))
LABEL = Action(ActionKind.LABEL, "half", 2, "stable", 1, leads_to=(Fact(FactKind.LABEL_AT, "half", 2, "stable"),))
UNLOAD = Action(ActionKind.UNLOAD, "half", 3, leads_to=(Fact(FactKind.GONE, "half", 3),))
REMOVE = Action(ActionKind.REMOVE_MODEL, "other", leads_to=(Fact(FactKind.MODEL_UNLISTED, "other"),))


def seen(*versions: ObservedVersion, at: float = 10.0, stable: int | None = None) -> Observed:
    kind = LabelReading(LabelKind.RESOLVES, stable) if stable else LabelReading(LabelKind.UNDEFINED)
    model = ObservedModel("half", versions, (("stable", kind),))
    return Observed("eu/gpu-1", at, sent=CONFIG, known_as=CONFIG, models=(model,))


def outcome(action: Action, observed: Observed, server: DesiredServer = SERVER) -> Outcome | None:
    """How one action of an intent of time 0 ended."""
    intent = Intent(7, 0.0, "c1", "eu/gpu-1", Pass(1, PassKind.CHANGE, (action,), CONFIG))
    found = settle(server, [(intent, [0])], observed)
    return found[0] if found else None


def kind(action: Action, observed: Observed) -> OutcomeKind | None:
    ended = outcome(action, observed)
    return ended.kind if ended else None


def version(number: int, state: VersionState, **more: object) -> ObservedVersion:
    return replace(ObservedVersion(number, state, listed=number != 3), **more)  # type: ignore[arg-type]


def test_load_is_done_when_its_version_is_proven_available() -> None:
    assert kind(LOAD, seen(version(2, VersionState.AVAILABLE, proven=True))) is OutcomeKind.DONE


def test_load_is_open_while_available_is_not_proven() -> None:
    assert kind(LOAD, seen(version(2, VersionState.AVAILABLE))) is None


def test_load_that_failed_carries_the_servers_words() -> None:
    error = ServingError(15, "Can't parse saved_model.pb")
    ended = outcome(LOAD, seen(version(2, VersionState.END, error=error)))
    assert ended is not None
    assert (ended.kind, ended.evidence) == (OutcomeKind.FAILED, "Can't parse saved_model.pb (code 15)")


def test_failure_of_an_earlier_life_is_no_outcome() -> None:
    error = ServingError(15, "Can't parse saved_model.pb")
    assert kind(LOAD, seen(version(2, VersionState.END, error=error, suspect=True))) is None


def test_label_is_done_when_it_is_read_back() -> None:
    assert kind(LABEL, seen(stable=2)) is OutcomeKind.DONE


def test_unload_is_open_while_its_version_is_going() -> None:
    assert kind(UNLOAD, seen(version(3, VersionState.AVAILABLE, going=True))) is None


def test_unload_is_done_at_a_start_that_nothing_will_ever_end() -> None:
    assert kind(UNLOAD, seen(version(3, VersionState.START))) is OutcomeKind.DONE


def test_removal_is_done_when_the_config_in_force_does_not_name_the_model() -> None:
    assert kind(REMOVE, seen()) is OutcomeKind.DONE


def test_removal_is_open_while_the_reload_is_outstanding() -> None:
    observed = replace(seen(), outstanding=Outstanding(CONFIG, (), 0.0))
    assert kind(REMOVE, observed) is None


def test_load_is_overtaken_when_a_later_config_does_not_list_it() -> None:
    later = ServerConfig((ModelConfig("half", "/models/half", specific(1)),))
    assert kind(LOAD, replace(seen(), sent=later)) is OutcomeKind.OVERTAKEN


def test_label_is_overtaken_when_a_later_config_sets_it_elsewhere() -> None:
    later = ServerConfig((CONFIG.models[0].with_labels({"stable": 1}),))
    assert kind(LABEL, replace(seen(stable=1), sent=later)) is OutcomeKind.OVERTAKEN


def test_load_goes_on_when_a_later_config_still_lists_it() -> None:
    later = ServerConfig((CONFIG.models[0].with_labels({"stable": 1}),))
    assert kind(LOAD, replace(seen(), sent=later)) is None


def test_everything_is_overtaken_by_a_restart() -> None:
    assert kind(LOAD, replace(seen(), standing=Standing.RESTARTED)) is OutcomeKind.OVERTAKEN


def test_nothing_is_settled_by_a_server_that_does_not_answer() -> None:
    observed = replace(seen(at=1000.0), reach=Reach(ReachKind.UNREACHABLE, "refused"))
    assert kind(LOAD, observed) is None


def test_load_times_out_at_the_fleets_deadline() -> None:
    assert kind(LOAD, seen(version(2, VersionState.LOADING), at=99.0)) is None
    assert kind(LOAD, seen(version(2, VersionState.LOADING), at=100.0)) is OutcomeKind.TIMED_OUT


def test_models_own_load_deadline_goes_before_the_fleets() -> None:
    patient = replace(SERVER.models[0], transition=Transition(load_deadline=300.0))
    server = replace(SERVER, models=(patient,))
    assert outcome(LOAD, seen(version(2, VersionState.LOADING), at=200.0), server) is None


def test_unload_times_out_at_its_own_deadline() -> None:
    assert kind(UNLOAD, seen(version(3, VersionState.UNLOADING, going=True), at=20.0)) is OutcomeKind.TIMED_OUT


FILES = PathFacts("/models/half", Presence.SEEN, (VersionFiles(2, (), 1, "sha256:x"), VersionFiles(4, ("assets",))))


@pytest.mark.parametrize(
    ("fact", "true"),
    [
        (Fact(FactKind.LISTED, "half", 2), True),
        (Fact(FactKind.LISTED, "half", 9), False),
        (Fact(FactKind.MODEL_LISTED, "half"), True),
        (Fact(FactKind.MODEL_LISTED, "other"), False),
        (Fact(FactKind.LABEL_UNDEFINED, "half", label="stable"), True),
        (Fact(FactKind.LABEL_UNDEFINED, "half", label="canary"), True),
        (Fact(FactKind.FILES_COMPLETE, "half", 2), True),
        (Fact(FactKind.FILES_COMPLETE, "half", 4), False),
        (Fact(FactKind.FILES_COMPLETE, "half", 9), False),
        (Fact(FactKind.POLICY, "half"), True),
    ],
)
def test_fact_about_config_and_storage(fact: Fact, true: bool) -> None:
    assert holds(fact, replace(seen(), paths=(FILES,)), CONFIG) is true


def test_policy_fact_is_false_while_another_policy_is_in_force() -> None:
    meant = ServerConfig((replace(CONFIG.models[0], policy=Latest(1), labels=()),))
    assert holds(Fact(FactKind.POLICY, "half"), seen(), meant) is False


@pytest.mark.parametrize("fact_kind", FactKind)
def test_every_kind_of_fact_is_judged(fact_kind: FactKind) -> None:
    fact = Fact(fact_kind, "half", 2, "stable")
    assert holds(fact, seen(), CONFIG) in (True, False)


# checks

GOLDEN = Check("golden", request="{}", expect="{}")
CHECKED = replace(SERVER, models=(replace(SERVER.models[0], checks=(GOLDEN,), labels=(("stable", 2),)),))
CHECK = Action(
    ActionKind.CHECK, "half", 2, leads_to=(Fact(FactKind.CHECKED, "half", 2, check="golden"),), check="golden"
)


def check_ended(*results: CheckResult, at: float = 10.0, server: DesiredServer = CHECKED) -> Outcome | None:
    """How a check that was begun at 5 ended."""
    observed = replace(seen(version(2, VersionState.AVAILABLE, proven=True), at=at), checks=results)
    specs = (("half", spec_digest(CHECKED.models[0], observed)),)
    intent = Intent(7, 5.0, "c1", "eu/gpu-1", Pass(1, PassKind.CHECK, (CHECK,), CONFIG, specs=specs))
    return next(iter(settle(server, [(intent, [0])], observed)), None)


def result(verdict: CheckVerdict, at: float = 6.0, name: str = "golden") -> CheckResult:
    return CheckResult(CheckDue("half", 2, name, GOLDEN.digest), verdict, at, "what was seen")


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [
        (CheckVerdict.PASSED, OutcomeKind.DONE),
        (CheckVerdict.FAILED, OutcomeKind.FAILED),
        (CheckVerdict.UNANSWERED, OutcomeKind.TIMED_OUT),
    ],
)
def test_check_ends_as_its_result_says_with_its_evidence(verdict: CheckVerdict, kind: OutcomeKind) -> None:
    ended = check_ended(result(verdict))
    assert ended is not None
    assert (ended.kind, ended.evidence) == (kind, "what was seen")


def test_check_is_open_until_there_is_a_result_since_its_intent() -> None:
    assert check_ended() is None
    assert check_ended(result(CheckVerdict.PASSED, at=4.0)) is None


def test_check_ends_when_another_one_of_its_version_failed() -> None:
    ended = check_ended(result(CheckVerdict.FAILED, name="other"))
    assert ended is not None
    assert (ended.kind, ended.evidence) == (OutcomeKind.OVERTAKEN, "check other failed before it")


def test_check_ends_when_another_spec_is_wanted() -> None:
    ended = check_ended(server=SERVER)
    assert ended is not None
    assert ended.kind is OutcomeKind.OVERTAKEN


def test_check_without_a_result_for_long_timed_out() -> None:
    ended = check_ended(at=400.0)
    assert ended is not None
    assert ended.kind is OutcomeKind.TIMED_OUT


def test_fact_that_a_check_has_passed_is_judged_by_its_last_result() -> None:
    fact = CHECK.leads_to[0]
    passed, failed = result(CheckVerdict.PASSED), result(CheckVerdict.FAILED, at=7.0)
    assert holds(fact, replace(seen(), checks=(passed,)), CONFIG)
    assert not holds(fact, replace(seen(), checks=(passed, failed)), CONFIG)
    assert not holds(fact, seen(), CONFIG)
