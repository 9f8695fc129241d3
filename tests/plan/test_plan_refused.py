"""A server that refuses a config for one model's sake: the others go on, and the suspect goes alone."""

from dataclasses import replace

from builders import at, empty, lines, model, next_lines, planned, reasons, server

from reconciler.state.config import ModelConfig
from reconciler.state.memory import Refusal
from reconciler.state.observed import Observed
from reconciler.state.versions import specific

BEFORE = server(model("half", (1,), stable=1), model("other", (1,), stable=1))
AFTER = server(model("half", (2,), stable=2), model("other", (2,), stable=2))
LISTING = ModelConfig("half", "/models/half", specific(1, 2), (("stable", 1),))


def refused(*suspects: ModelConfig, ago: float = 0.2, count: int = 1) -> Observed:
    """A config with these changes was refused a moment ago."""
    return replace(at(BEFORE, AFTER), refusal=Refusal(9, "some words", count, 1000.0 - ago, suspects))


def test_others_go_on_while_the_suspect_pauses() -> None:
    plan = planned(AFTER, refused(LISTING))
    assert next_lines(plan) == ["load other 2"]
    assert plan.next_pass is not None
    assert plan.next_pass.config.model("half") == ModelConfig("half", "/models/half", specific(1), (("stable", 1),))


def test_the_suspect_is_held_with_the_servers_words_and_a_time() -> None:
    (hold,) = [each for each in planned(AFTER, refused(LISTING)).holds if each.reason == "ServerRefused"]
    assert (hold.model, hold.until) == ("half", 1000.8)
    assert "some words (code 9)" in hold.detail


def test_after_its_pause_the_suspect_still_waits_while_others_have_something_to_do() -> None:
    assert next_lines(planned(AFTER, refused(LISTING, ago=5.0))) == ["load other 2"]


def test_after_its_pause_the_suspect_goes_alone() -> None:
    only = server(model("half", (2,), stable=2), model("other", (1,), stable=1))
    assert next_lines(planned(only, refused(LISTING, ago=5.0))) == ["load half 2"]


def test_of_several_suspects_one_goes_at_a_time() -> None:
    other = ModelConfig("other", "/models/other", specific(1, 2), (("stable", 1),))
    assert next_lines(planned(AFTER, refused(LISTING, other, ago=5.0))) == ["load half 2"]


def test_another_change_of_the_suspect_goes_with_the_others() -> None:
    third = server(model("half", (3,), stable=3), model("other", (2,), stable=2))
    observed = replace(at(BEFORE, third), refusal=refused(LISTING).refusal)
    assert next_lines(planned(third, observed)) == ["load half 3", "load other 2"]


def test_a_new_name_that_was_refused_does_not_keep_others_out() -> None:
    wanted = server(model("half", (1,)), model("other", (1,)))
    suspect = ModelConfig("half", "/models/half", specific(1))
    observed = replace(empty(wanted), refusal=Refusal(3, "words", 1, 999.9, (suspect,)))
    plan = planned(wanted, observed)
    assert next_lines(plan) == ["addModel other 1"]
    assert "ServerRefused" in reasons(plan)


def test_a_new_name_that_was_refused_is_tried_alone_after_its_pause() -> None:
    wanted = server(model("half", (1,)))
    suspect = ModelConfig("half", "/models/half", specific(1))
    observed = replace(empty(wanted), refusal=Refusal(3, "words", 1, 990.0, (suspect,)))
    assert lines(planned(wanted, observed)) == ["1 addModel half 1"]


def test_a_refusal_that_no_change_explains_holds_the_server() -> None:
    assert planned(AFTER, refused()).next_pass is None


def test_pauses_grow_and_after_three_refusals_somebody_is_needed() -> None:
    (hold,) = [each for each in planned(AFTER, refused(LISTING, count=3)).holds if each.reason == "ServerRefused"]
    assert (hold.progressing, hold.until) == (False, 1003.8)
