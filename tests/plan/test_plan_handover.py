"""Other base paths and other policies: nothing that serves is un-wanted on the way."""

from builders import at, lines, listing, loading, model, next_lines, planned, reasons, seen, server, stored

from reconciler.state.look import Presence
from reconciler.state.versions import All, Latest

ONE = server(model("half", (1,), stable=1))
MOVED = server(model("half", (1,), base_path="/new/half", stable=1))


def test_a_base_path_changes_alone_when_the_copies_are_equal() -> None:
    plan = planned(MOVED, at(ONE, MOVED))

    assert lines(plan) == ["1 repoint half"]
    assert plan.passes[0].config.models[0].listed == (1,)


def test_a_base_path_without_the_serving_version_is_held() -> None:
    plan = planned(MOVED, stored(at(ONE, MOVED), "/new/half", 7))

    assert (plan.passes, reasons(plan)) == ((), {"BasePathNeedsCopy"})


def test_a_base_path_with_other_bytes_under_the_same_number_is_held() -> None:
    observed = stored(at(ONE, MOVED), "/new/half", 1)

    plan = planned(MOVED, observed)

    assert (plan.passes, reasons(plan)) == ((), {"BasePathNeedsCopy"})


def test_new_versions_follow_once_the_path_has_changed() -> None:
    after = server(model("half", (1, 2), base_path="/new/half", stable=2))

    assert lines(planned(after, at(ONE, after))) == ["1 repoint half", "2 load half 2", "3 label half stable 1>2"]


def test_a_missing_old_path_may_be_repaired_by_a_path_that_holds_the_versions() -> None:
    observed = stored(at(ONE, MOVED), "/models/half", presence=Presence.MISSING)

    assert next_lines(planned(MOVED, observed)) == ["repoint half"]


def test_named_versions_become_latest_only_beside_what_latest_would_choose() -> None:
    after = server(model("half", Latest(1)))

    plan = planned(after, stored(at(ONE), "/models/half", 1, 2))

    assert lines(plan) == ["1 unlabel half stable", "1 load half 2", "2 policy half"]
    assert plan.passes[0].config.models[0].listed == (1, 2)


def test_latest_waits_for_what_it_would_choose() -> None:
    after = server(model("half", Latest(1)))
    before = server(model("half", (1,)))
    observed = seen(listing(stored(at(before), "/models/half", 1, 2), "half", 1, 2), "half", loading(2))

    assert next_lines(planned(after, observed)) == []


def test_latest_over_an_empty_directory_is_held() -> None:
    after = server(model("half", Latest(1)))

    plan = planned(after, stored(at(ONE), "/models/half"))

    assert "policy half" not in next_lines(plan)
    assert "ArtifactMissing" in reasons(plan)


def test_latest_becomes_named_versions_beside_what_serves() -> None:
    before, after = server(model("half", Latest(1))), server(model("half", (1, 3), stable=3))

    plan = planned(after, at(before, after))

    assert lines(plan) == ["1 policy half", "2 label half stable ->3"]
    assert plan.passes[0].config.models[0].listed == (1, 3)


def test_under_latest_the_server_decides_and_the_plan_says_so() -> None:
    wanted = server(model("half", All()))

    plan = planned(wanted, stored(at(wanted), "/models/half", 1, 2))

    assert (plan.passes, reasons(plan), plan.blocked) == ((), {"ServerDecides"}, False)
