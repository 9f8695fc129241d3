"""Labels: what they may point at, when they move, and how they come to point at nothing."""

from __future__ import annotations

import pytest
from conformance_cases import ALLOW, case
from conformance_world import POLL, World

from reconciler.modelserver.core import OK, All, Latest, Policy


@case("C13")
def test_labels_of_loaded_versions_are_set_with_the_return_of_the_reload(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2))
    assert world.reload(m(1, 2, a=1, b=2)) == OK
    assert (m.asks(label="a"), m.asks(label="b")) == (1, 2)


@case("C14")
def test_a_label_moved_to_a_version_that_is_not_there_is_refused_and_stays(world: World) -> None:
    m = world.model("m", 1)
    world.serve(m(1, a=1))
    assert str(world.reload(m(1, a=9))) == m.label_refused(9)
    assert m.asks(label="a") == 1


@case("C15", "O21")
def test_one_refused_label_refuses_versions_models_and_other_labels(world: World) -> None:
    m, other = world.model("m", 1, 2), world.model("other", 1)
    world.serve(m(1, a=1))
    assert str(world.reload(m(1, 2, a=1, b=1, c=2), other(1))) == m.label_refused(2)
    m.stays({1: "AVAILABLE"}, POLL + 0.3)
    assert other.states() == {}
    assert m.asks(label="a") == 1
    assert m.asks(label="b") == "INVALID_ARGUMENT: Unrecognized servable version label: b"


def _a_label_moved_with_its_load(world: World) -> None:
    m = world.model("m", 1, 3)
    world.serve(m(1, stable=1))
    assert str(world.reload(m(1, 3, stable=3))) == m.label_refused(3)
    m.stays({1: "AVAILABLE"}, POLL + 0.3)
    assert m.asks(label="stable") == 1


@case("O22")
def test_a_label_moved_together_with_the_load_of_its_version_is_refused(world: World) -> None:
    _a_label_moved_with_its_load(world)


@case("O22", flags=ALLOW)
def test_a_label_moved_together_with_the_load_is_refused_with_the_flag_too(world: World) -> None:
    _a_label_moved_with_its_load(world)


@case("O23", flags=ALLOW)
def test_with_the_flag_a_new_label_may_come_together_with_the_load(world: World) -> None:
    m = world.model("m", 1).publish(3, seconds=0.5)
    world.serve(m(1, stable=1))
    assert world.reload(m(1, 3, stable=1, next=3)) == OK
    assert m.asks(label="next") == m.not_found(3)
    m.until({3: "AVAILABLE", 1: "AVAILABLE"})
    assert m.asks(label="next") == 3


@case("O23")
def test_without_the_flag_a_new_label_cannot_come_together_with_the_load(world: World) -> None:
    m = world.model("m", 1, 3)
    world.serve(m(1, stable=1))
    assert str(world.reload(m(1, 3, stable=1, next=3))) == m.label_refused(3)


@case("O24")
def test_without_the_flag_a_new_model_cannot_bring_labels_but_can_have_them_later(world: World) -> None:
    m = world.model("m", 1)
    assert str(world.reload(m(1, stable=1))) == m.label_refused(1)
    assert m.states() == {}
    assert world.reload(m(1)) == OK
    assert world.reload(m(1, stable=1)) == OK
    assert m.asks(label="stable") == 1


@case("O24", flags=ALLOW)
def test_with_the_flag_a_new_model_brings_labels(world: World) -> None:
    m = world.model("m", 1)
    assert world.reload(m(1, stable=1)) == OK
    assert m.asks(label="stable") == 1


@case("O25", "O100")
def test_a_label_moved_to_an_available_version_is_there_when_the_call_returns_every_time(world: World) -> None:
    m = world.model("m", 1, 3)
    world.serve(m(1, 3, stable=1))
    for version in (3, 1) * 10:
        assert world.reload(m(1, 3, stable=version)) == OK
        assert m.asks(label="stable") == version


@case("O26")
def test_a_label_to_a_version_that_is_loading_is_refused(world: World) -> None:
    m = world.model("m", 1).publish(2, seconds=1.0)
    world.serve(m(1, stable=1))
    assert world.reload(m(1, 2, stable=1)) == OK
    m.until_state(2, "LOADING")
    assert str(world.reload(m(1, 2, stable=2))) == m.label_refused(2)
    assert m.asks(label="stable") == 1


@case("C17", "O29")
def test_a_label_moves_while_its_old_version_is_dropped_and_no_request_fails(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2, stable=1))
    assert world.reload(m(2, stable=2)) == OK
    world.stays(lambda: m.asks(label="stable") == 2, POLL + 0.3)
    m.until({2: "AVAILABLE", 1: "END"})


@case("C18", "C19", "C20", "O27", "O28")
def test_a_label_left_on_a_dropped_version_dangles_and_then_blocks_every_config_that_repeats_it(world: World) -> None:
    m, other = world.model("m", 1, 2), world.model("other", 1)
    world.serve(m(1, 2, stable=1))
    assert world.reload(m(2, stable=1)) == OK
    m.until({2: "AVAILABLE", 1: "END"})
    assert m.asks(label="stable") == m.not_found(1)
    assert str(world.reload(m(2, stable=1))) == m.label_refused(1)
    assert str(world.reload(m(2, stable=1), other(1))) == m.label_refused(1)
    assert world.reload(m(2)) == OK
    assert m.asks(label="stable") == "INVALID_ARGUMENT: Unrecognized servable version label: stable"


@case("O28", flags=ALLOW)
def test_with_the_flag_a_dangling_label_may_be_repeated(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2, stable=1))
    assert world.reload(m(2, stable=1)) == OK
    m.until({2: "AVAILABLE", 1: "END"})
    assert world.reload(m(2, stable=1)) == OK
    assert m.asks(label="stable") == m.not_found(1)


@case("C21", "C22", "C23", flags=ALLOW)
def test_with_the_flag_new_and_unchanged_labels_may_point_at_nothing_but_defined_ones_may_not_move_there(
    world: World,
) -> None:
    m = world.model("m", 1)
    world.serve(m(1, s=1))
    assert world.reload(m(1, s=1, c=2)) == OK
    assert m.asks(label="c") == m.not_found(2)
    assert str(world.reload(m(1, s=2, c=2))) == m.label_refused(2)
    assert world.reload(m(1, s=1, c=2)) == OK


@case("O30")
def test_a_label_left_out_is_gone_at_once(world: World) -> None:
    m = world.model("m", 1)
    world.serve(m(1, a=1, b=1))
    assert world.reload(m(1, b=1)) == OK
    assert m.asks(label="a") == "INVALID_ARGUMENT: Unrecognized servable version label: a"
    assert m.asks(label="b") == 1


@case("O31", flags=ALLOW)
def test_a_new_label_may_point_at_version_zero_and_be_the_empty_word(world: World) -> None:
    m = world.model("m", 1)
    world.serve(m(1))
    assert world.reload(m(1, zero=0, **{"": 1})) == OK
    assert m.asks(label="zero") == m.not_found(0)
    assert m.asks(label="") == 1


@case("O32")
@pytest.mark.parametrize("policy", [Latest(1), None], ids=["latest", "none"])
def test_under_latest_a_label_needs_a_loaded_version_even_if_the_request_widens_the_policy(
    world: World, policy: Policy | None
) -> None:
    m = world.model("m", 1, 2)
    assert world.reload(m.entry(policy)) == OK
    assert world.reload(m.entry(policy, {"a": 2})) == OK
    assert m.asks(label="a") == 2
    assert str(world.reload(m.latest(2, a=1))) == m.label_refused(1)
    assert m.asks(label="a") == 2


@case("O32", flags=ALLOW)
def test_under_latest_a_new_label_may_come_with_the_wider_policy_if_the_flag_is_set(world: World) -> None:
    m = world.model("m", 1, 2)
    assert world.reload(m.latest(1)) == OK
    assert world.reload(m.latest(2, a=1)) == OK
    assert m.asks(label="a") in {m.not_found(1), 1}
    m.until({2: "AVAILABLE", 1: "AVAILABLE"})
    assert m.asks(label="a") == 1


@case("O32")
def test_under_all_a_label_needs_a_loaded_version(world: World) -> None:
    m = world.model("m", 1, 2)
    assert world.reload(m.entry(All())) == OK
    m.until({2: "AVAILABLE", 1: "AVAILABLE"})
    assert world.reload(m.all(a=1)) == OK
    assert str(world.reload(m.all(a=3))) == m.label_refused(3)
    assert m.asks(label="a") == 1


@case("O25")
def test_labels_of_several_models_move_in_one_step(world: World) -> None:
    a, b = world.model("a", 1, 2), world.model("b", 1, 2)
    world.serve(a(1, 2, live=1), b(1, 2, live=1))
    assert world.reload(a(1, 2, live=2), b(1, 2, live=2)) == OK
    assert (a.asks(label="live"), b.asks(label="live")) == (2, 2)


@case("O25")
def test_several_labels_may_share_a_version_and_each_model_has_its_own(world: World) -> None:
    a, b = world.model("a", 1), world.model("b", 1)
    world.serve(a(1, x=1, y=1), b(1))
    assert (a.asks(label="x"), a.asks(label="y")) == (1, 1)
    assert b.asks(label="x") == "INVALID_ARGUMENT: Unrecognized servable version label: x"
