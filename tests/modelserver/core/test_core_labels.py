"""Labels: when a reload may set them, what happens to them when versions come and go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import QUICK, World, model, serving

from reconciler.modelserver.core import OK, All, Code, Flags, Latest, ServerConfig, Status

ALLOW = replace(QUICK, allow_version_labels_for_unavailable_models=True)


def refused(version: int, name: str = "half") -> Status:
    text = (
        f"Request to assign label to version {version} of model {name}, which is not currently available for inference"
    )
    return Status(Code.FAILED_PRECONDITION, text)


@pytest.mark.parametrize("flags", [QUICK, ALLOW])
def test_a_label_moved_together_with_its_load_is_refused_and_nothing_changes(flags: Flags) -> None:
    """C15, observed Labels (a), with and without the flag."""
    world = serving(model("half", 1, labels={"stable": 1}), on_disk={"half": (1, 3), "b": (1,)}, flags=flags)
    ticket = world.send(model("half", 1, 3, labels={"stable": 3}), model("b", 1))
    assert ticket.status == refused(3)
    world.run_for(3.0)
    assert world.states("half") == {1: "AVAILABLE"}
    assert world.states("b") == {}
    assert world.asks("half", label="stable") == 1


def test_labels_to_loaded_versions_are_set_with_the_return_of_the_call() -> None:
    """C13, observed Labels (b)."""
    world = serving(model("half", 1, 2))
    assert world.send(model("half", 1, 2, labels={"A": 1, "B": 2})).status == OK
    assert (world.asks("half", label="A"), world.asks("half", label="B")) == (1, 2)


def test_a_label_to_a_version_that_never_was_is_refused_and_stays_where_it_was() -> None:
    """C14."""
    world = serving(model("half", 1, labels={"A": 1}))
    assert world.send(model("half", 1, labels={"A": 9})).status == refused(9)
    assert world.asks("half", label="A") == 1


def test_one_bad_label_refuses_the_labels_of_all_models() -> None:
    """E4."""
    world = serving(model("half", 1, 2, labels={"stable": 1}), model("other", 1))
    assert world.send(model("half", 1, 2, labels={"stable": 2}), model("other", 1, labels={"x": 7})).status == refused(
        7, "other"
    )
    assert world.asks("half", label="stable") == 1


def test_a_label_to_a_version_still_loading_is_refused() -> None:
    """Observed Labels: LOADING counts as not available."""
    world = serving(model("half", 1), on_disk={"half": (1, 2)})
    world.loads("half", 2, seconds=5.0)
    world.apply(model("half", 1, 2))
    world.run_for(2.0)
    assert world.state("half", 2) == "LOADING"
    assert world.send(model("half", 1, 2, labels={"canary": 2})).status == refused(2)


def test_a_label_moves_and_its_old_version_goes_in_one_reload_without_a_gap() -> None:
    """C17, E6."""
    world = serving(model("half", 1, 2, labels={"stable": 1}))
    assert world.send(model("half", 2, labels={"stable": 2})).status == OK
    while world.state("half", 1) != "END":
        assert world.asks("half", label="stable") == 2
        world.run_for(0.01)


def test_a_label_may_be_kept_on_a_version_the_same_reload_drops_and_then_dangles() -> None:
    """C18, C19, C20: accepted once, refused when repeated, cured by leaving the label out."""
    world = serving(model("half", 1, 2, labels={"stable": 1}))
    dangling = model("half", 2, labels={"stable": 1})
    assert world.send(dangling).status == OK
    assert world.asks("half", label="stable") == 1
    world.run_for(2.0)
    assert world.asks("half", label="stable") == "Servable not found for request: Specific(half, 1)"
    assert world.send(dangling).status == refused(1)
    assert world.send(model("half", 2)).status == OK
    assert world.asks("half", label="stable") == "Unrecognized servable version label: stable"


def test_with_the_flag_an_unchanged_dangling_label_is_accepted_again() -> None:
    """Observed Labels: repeating the config that dropped the label's version."""
    world = serving(model("half", 1, 2, labels={"stable": 1}), flags=ALLOW)
    dangling = model("half", 2, labels={"stable": 1})
    world.send(dangling)
    world.run_for(2.0)
    assert world.send(dangling).status == OK


def test_with_the_flag_a_new_label_may_point_at_nothing_but_may_not_be_moved_there() -> None:
    """C21, C22, C23."""
    world = serving(model("m", 1, labels={"s": 1}), flags=ALLOW)
    assert world.send(model("m", 1, labels={"s": 1, "c": 2})).status == OK
    assert world.asks("m", label="c") == "Servable not found for request: Specific(m, 2)"
    assert world.send(model("m", 1, labels={"s": 2, "c": 2})).status == refused(2, "m")
    assert world.send(model("m", 1, labels={"s": 1, "c": 2})).status == OK


def test_with_the_flag_a_new_label_comes_alive_with_its_version() -> None:
    """Observed Labels: next->3 together with loading 3, OK at once, NOT_FOUND until it is loaded."""
    world = serving(model("half", 1), on_disk={"half": (1, 3)}, flags=ALLOW)
    ticket = world.send(model("half", 1, 3, labels={"next": 3}))
    assert ticket.status == OK
    assert world.asks("half", label="next") == "Servable not found for request: Specific(half, 3)"
    world.run_for(2.0)
    assert world.asks("half", label="next") == 3


def test_without_the_flag_a_new_model_with_labels_is_refused_and_without_them_taken() -> None:
    """Observed Labels: load first, then set labels."""
    world = serving(on_disk={"m": (1,)})
    assert world.send(model("m", 1, labels={"stable": 1})).status == refused(1, "m")
    assert world.apply(model("m", 1)) == OK
    assert world.send(model("m", 1, labels={"stable": 1})).status == OK


def test_a_label_left_out_is_gone_at_once() -> None:
    """Observed Labels."""
    world = serving(model("half", 1, labels={"stable": 1, "old": 1}))
    world.send(model("half", 1, labels={"stable": 1}))
    assert world.core.labels_of("half") == {"stable": 1}


def test_any_string_is_a_label_and_several_may_share_a_version() -> None:
    """Observed Labels: an empty key is accepted and usable."""
    world = serving(model("half", 1, labels={"": 1, "a b": 1}))
    assert (world.asks("half", label=""), world.asks("half", label="a b")) == (1, 1)


def test_version_zero_is_never_there_but_a_new_label_with_the_flag_may_point_at_it() -> None:
    """Observed Labels."""
    world = serving(model("half", 1), flags=ALLOW)
    assert world.send(model("half", 1, labels={"zero": 0})).status == OK
    assert world.asks("half", label="zero") == "Servable not found for request: Specific(half, 0)"


@pytest.mark.parametrize("policy", [Latest(), All(), Latest(2)])
def test_labels_work_over_other_policies_by_the_same_rule(policy: Latest | All) -> None:
    """Observed Labels (n)."""
    world = serving(on_disk={"m": (1,)})
    world.apply(model("m", policy=policy))
    world.run_for(2.0)
    assert world.send(model("m", policy=policy, labels={"x": 1})).status == OK
    assert world.send(model("m", policy=Latest(9), labels={"x": 4})).status == refused(4, "m")


def test_no_label_can_be_asked_for_before_a_first_configuration() -> None:
    """Behaviour 6.1: the table does not exist yet."""
    world = World()
    world.start(None)
    found = world.core.resolve("m", label="stable")
    assert found == Status(Code.UNAVAILABLE, "Model labels does not init yet.stable")
    world.apply()
    assert world.asks("m", label="stable") == "Unrecognized servable version label: stable"


def test_all_labels_of_all_models_are_swapped_together() -> None:
    """Observed Labels (b): the whole table at once; what another model had and is not repeated is gone."""
    world = serving(model("a", 1, labels={"x": 1}), model("b", 1, labels={"y": 1}))
    world.reload(ServerConfig((model("a", 1, labels={"z": 1}), model("b", 1))))
    assert (world.core.labels_of("a"), world.core.labels_of("b")) == ({"z": 1}, {})
