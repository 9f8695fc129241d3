"""New names: one version first, without labels, only when nothing else goes; after a restart, together."""

from dataclasses import replace

from builders import (
    FLEET,
    at,
    empty,
    facts,
    failed,
    lines,
    listing,
    loading,
    model,
    next_lines,
    planned,
    reasons,
    seen,
    server,
    stored,
    with_model,
)

from reconciler.state.config import ServerConfig
from reconciler.state.look import PathFacts, Presence, VersionState
from reconciler.state.memory import Standing
from reconciler.state.observed import ObservedModel, ObservedVersion
from reconciler.state.plan import PassKind
from reconciler.state.versions import Latest


def test_a_new_model_lists_the_target_of_stable_first_and_gets_labels_later() -> None:
    after = server(model("half", (1, 2), stable=1, canary=2))

    plan = planned(after, empty(after))

    assert lines(plan)[0] == "1 addModel half 1"
    assert lines(plan)[1:] == ["2 label half stable ->1", "2 load half 2", "3 label half canary ->2"]
    assert plan.passes[0].config.models[0].labels == ()


def test_a_new_model_without_stable_lists_its_highest_version_first() -> None:
    after = server(model("half", (1, 2)))

    assert next_lines(planned(after, empty(after))) == ["addModel half 2"]


def test_a_new_model_waits_until_other_models_have_changed() -> None:
    before, after = server(model("a", (1, 2), stable=1)), server(model("a", (1, 2), stable=2), model("b", (1,)))

    assert lines(planned(after, at(before, after))) == ["1 label a stable 1>2", "2 addModel b 1"]


def test_ten_new_models_come_eight_at_a_time() -> None:
    after = server(*(model(f"m{number}", (1,)) for number in range(10)))

    plan = planned(after, empty(after))

    assert [len(body.actions) for body in plan.passes] == [8, 2]


def test_models_whose_files_nobody_can_see_come_one_at_a_time_and_only_with_consent() -> None:
    after = server(model("a", (1,)), model("b", (1,)))
    observed = facts(
        facts(empty(after), PathFacts("/models/a", Presence.UNSEEN)), PathFacts("/models/b", Presence.UNSEEN)
    )
    consenting = server(*after.models, fleet=replace(FLEET, allow_unseen_storage=True))

    refused, allowed = planned(after, observed), planned(consenting, observed)

    assert (refused.passes, reasons(refused)) == ((), {"StorageUnseen"})
    assert [len(body.actions) for body in allowed.passes] == [1, 1]


def test_a_new_model_with_a_missing_version_never_reaches_the_server() -> None:
    after = server(model("half", (1,), stable=1))

    plan = planned(after, stored(empty(after), "/models/half"))

    assert (plan.passes, reasons(plan)) == ((), {"ArtifactMissing"})


def test_a_new_model_whose_base_path_is_missing_never_reaches_the_server() -> None:
    after = server(model("half", (1,), stable=1))

    plan = planned(after, stored(empty(after), "/models/half", presence=Presence.MISSING))

    assert (plan.passes, reasons(plan)) == ((), {"ArtifactMissing"})


def test_a_new_model_waits_for_a_free_load_thread() -> None:
    fleet = replace(FLEET, tf_serving=replace(FLEET.tf_serving, num_load_threads=0))
    before = server(model("a", (1,)), fleet=fleet)
    after = server(model("a", (1, 2)), model("b", (1,)), fleet=fleet)
    observed = seen(listing(at(before, after), "a", 1, 2), "a", loading(2))

    plan = planned(after, observed)

    assert next_lines(plan) == []
    assert "LoadThreadsBusy" in reasons(plan)


def test_after_an_empty_restart_ten_models_come_together_and_labels_in_the_next_reload() -> None:
    wanted = server(*(model(f"m{number}", (1, 2), stable=1) for number in range(10)))
    observed = replace(at(wanted), standing=Standing.RESTARTED, sent=ServerConfig(), models=())

    plan = planned(wanted, observed)

    assert [(body.kind, len(body.config.models)) for body in plan.passes] == [
        (PassKind.HEAL, 10),
        (PassKind.CHANGE, 10),
    ]
    assert plan.passes[0].config.models[0].listed == (1, 2)


def test_after_a_restart_from_a_file_without_labels_only_the_labels_follow() -> None:
    wanted = server(model("half", (1, 2), stable=1))
    observed = listing(replace(at(wanted), standing=Standing.RESTARTED), "half", 1, 2)
    observed = with_model(observed, replace(observed.model("half"), labels=()))

    assert lines(planned(wanted, observed)) == ["1 label half stable ->1"]


def test_a_removed_model_comes_back_only_after_its_end_or_a_fence() -> None:
    after = server(model("half", (1,)))
    dropped = ObservedModel("half", (ObservedVersion(1, VersionState.UNLOADING, going=True),), (), "", 999.9, 1001.5)
    ended = replace(dropped, versions=(ObservedVersion(1, VersionState.END, ended=True),))

    waiting, ready = planned(after, with_model(empty(after), dropped)), planned(after, with_model(empty(after), ended))

    assert (next_lines(waiting), reasons(waiting)) == ([], {"Going"})
    assert next_lines(ready) == ["addModel half 1"]


def test_a_phantom_start_of_a_removed_model_is_not_waited_for_beyond_the_fence() -> None:
    after = server(model("half", (1,)))
    phantom = ObservedModel("half", (ObservedVersion(1, VersionState.START),), (), "", 990.0, 991.6)

    assert next_lines(planned(after, with_model(empty(after), phantom))) == ["addModel half 1"]


def test_the_only_version_of_a_new_model_failed_so_the_name_stays_with_an_empty_list() -> None:
    after = server(model("half", (1,)))
    observed = seen(listing(empty(after), "half", 1), "half", failed(1))

    plan = planned(after, observed)

    assert next_lines(plan) == ["unload half 1"]
    assert plan.passes[0].config.names == {"half"}


def test_a_new_model_under_latest_starts_with_a_named_version() -> None:
    after = server(model("half", Latest(2)))

    plan = planned(after, stored(empty(after), "/models/half", 3, 4, 5))

    assert lines(plan) == ["1 addModel half 5", "2 policy half"]
    assert plan.passes[0].config.models[0].listed == (5,)
