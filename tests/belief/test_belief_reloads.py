"""Our own reloads: outstanding, answered, refused, lost and settled; what is remembered of every life."""

from belief_lane import ACCEPTED, AVAILABLE, BROKEN, END, LOADING, NOTHING, START, config, listing, serving

from reconciler import belief
from reconciler.state.config import ServerConfig
from reconciler.state.memory import Answer, AnswerKind, GoodSpec, Standing

REFUSED = Answer(AnswerKind.REFUSED, 9, "Request to assign label to version 3 of model m")


def test_reload_is_outstanding_from_its_intent_on() -> None:
    lane, _ = serving(listing("m", 1))
    lane.sending(config(listing("m", 1, 2), listing("n", 1)), 101.0, m="d")
    outstanding = lane.look(101.1).outstanding
    assert outstanding is not None
    assert (outstanding.names, outstanding.sent_at, outstanding.specs) == (("n",), 101.0, (("m", "d"),))


def test_model_dropped_earlier_is_a_new_name() -> None:
    lane, _ = serving(listing("m", 1), listing("n", 1))
    lane.send(config(listing("m", 1)), 101.0)
    lane.sending(config(listing("m", 1), listing("n", 1)), 110.0)
    assert lane.look(110.1).outstanding.names == ("n",)  # type: ignore[union-attr]  # it was sent


def test_accepted_config_is_in_force_and_fenced() -> None:
    lane, _ = serving(listing("m", 1))
    lane.send(config(listing("m", 1, 2)), 101.0)
    seen = lane.look(101.1)
    assert (seen.sent, seen.outstanding, seen.fence_until) == (config(listing("m", 1, 2)), None, 102.6)


def test_failed_models_leave_the_config_in_force() -> None:
    lane, _ = serving(listing("m", 1))
    sent = config(listing("m", 1), listing("n", 1))
    lane.send(sent, 101.0, Answer(AnswerKind.MODELS_FAILED, 2, "1 model(s) did not become available"))
    assert lane.look(101.1).sent == sent


def test_refused_config_changes_nothing_but_the_count() -> None:
    lane, _ = serving(listing("m", 1, stable=1))
    for at in (101.0, 103.0):
        lane.send(config(listing("m", 1, 3, stable=3)), at, REFUSED)
    seen = lane.look(103.1)
    assert seen.sent == config(listing("m", 1, stable=1))
    assert seen.refusal is not None
    assert (seen.refusal.count, seen.refusal.at, seen.refusal.message) == (2, 103.0, REFUSED.message)


def test_accepted_config_ends_a_row_of_refusals() -> None:
    lane, _ = serving(listing("m", 1))
    lane.send(config(listing("m", 3)), 101.0, REFUSED)
    lane.send(config(listing("m", 1, 2)), 102.0)
    assert lane.look(102.1).refusal is None


def test_answer_to_nothing_changes_nothing() -> None:
    lane, _ = serving(listing("m", 1))
    assert belief.answered(lane.server, lane.memory, ACCEPTED, 101.0) is lane.memory


def test_lost_answer_without_new_names_is_never_settled_by_looking() -> None:
    lane, world = serving(listing("m", 1))
    lane.send(config(listing("m", 1, 2)), 101.0, NOTHING)
    world.models["m"][2] = AVAILABLE
    seen = lane.look(200.0)
    assert seen.outstanding is not None
    assert (seen.wedged, seen.doubts, seen.standing) == (False, (), Standing.KNOWN)


def test_lost_answer_settles_when_every_new_name_has_one_version_decided() -> None:
    lane, world = serving(listing("m", 1))
    sent = config(listing("m", 1, 2), listing("n", 1, 2), listing("o", 1))
    lane.send(sent, 101.0, NOTHING)
    world.models["n"] = {2: AVAILABLE, 1: START}
    assert lane.look(102.0).outstanding is not None
    world.models["o"] = {1: BROKEN}
    seen = lane.look(103.0)
    assert (seen.outstanding, seen.sent) == (None, sent)
    assert [failure.model for failure in seen.failures] == ["o"]


def test_end_of_an_earlier_life_settles_nothing() -> None:
    lane, world = serving(listing("m", 1), listing("n", 1))
    lane.send(config(listing("m", 1)), 101.0)
    lane.sending(config(listing("m", 1), listing("n", 1)), 101.2)
    world.models["n"][1] = END
    assert lane.look(101.3).outstanding is not None


def test_available_of_perhaps_an_earlier_life_settles_once_it_has_stood_for_a_fence() -> None:
    lane, world = serving(listing("m", 1), listing("n", 1))
    lane.send(config(listing("m", 1)), 101.0)
    world.models["n"][1] = START
    lane.look(101.1)
    lane.send(config(listing("m", 1), listing("n", 1)), 101.2, NOTHING)
    world.models["n"][1] = AVAILABLE
    assert lane.look(102.0).outstanding is not None
    assert lane.look(103.5).outstanding is not None
    assert lane.look(103.6).outstanding is None


def test_identical_config_sent_again_is_counted() -> None:
    lane, _ = serving(listing("m", 1))
    sent = config(listing("m", 1), listing("n", 1))
    lane.send(sent, 101.0, NOTHING)
    lane.send(sent, 111.0, NOTHING)
    assert lane.look(111.1).outstanding.tries == 2  # type: ignore[union-attr]  # it was sent


def test_name_that_shows_no_start_is_wedged_after_three_polls_and_two_seconds() -> None:
    lane, _ = serving(listing("m", 1))
    lane.send(config(listing("m", 1), listing("n", 9)), 101.0, NOTHING)
    assert not lane.look(106.0).wedged
    assert lane.look(106.1).wedged


def test_loads_in_line_put_the_verdict_off() -> None:
    lane, world = serving(listing("m", 1))
    world.models["m"][1] = LOADING
    lane.send(config(listing("m", 1), listing("n", 9)), 101.0, NOTHING)
    assert not lane.look(300.0).wedged


def test_name_that_starts_is_wedged_by_the_load_deadline_only() -> None:
    lane, world = serving(listing("m", 1))
    lane.send(config(listing("m", 1), listing("n", 1)), 101.0, NOTHING)
    world.models["n"] = {1: START}
    lane.look(102.0)
    assert not lane.look(700.0).wedged
    assert lane.look(701.1).wedged


def test_silent_server_is_not_called_wedged() -> None:
    lane, _ = serving(listing("m", 1))
    lane.send(config(listing("m", 1), listing("n", 9)), 101.0, NOTHING)
    lane.down()
    assert not lane.look(200.0).wedged


def known_as(*reloads: ServerConfig) -> ServerConfig:
    """What is known after a restart that loads nothing, and these reloads."""
    lane, world = serving(listing("m", 1, 2, stable=2), listing("n", 1, prod=1))
    world.models, world.labels = {}, {}
    lane.look(101.0)
    for count, sent in enumerate(reloads):
        lane.send(sent, 102.0 + count)
        world.models.update({each.name: dict.fromkeys(each.listed, AVAILABLE) for each in sent.models})
        world.labels = {(each.name, label): version for each in sent.models for label, version in each.labels}
        lane.look(102.5 + count)
    return lane.memory.known_as


def test_healing_step_by_step_forgets_nothing_that_is_still_to_come() -> None:
    whole = config(listing("m", 1, 2, stable=2), listing("n", 1, prod=1))
    assert known_as() == whole
    assert known_as(config(listing("m", 2))) == whole
    assert known_as(config(listing("m", 2)), config(listing("m", 1, 2), listing("n", 1))) == whole
    assert known_as(config(listing("m", 1, 2), listing("n", 1)), whole) == whole


def test_what_was_back_and_is_taken_away_again_is_forgotten() -> None:
    whole = config(listing("m", 1, 2, stable=2), listing("n", 1, prod=1))
    assert known_as(whole, config(listing("m", 2, stable=2))) == config(listing("m", 2, stable=2))
    without_label = config(listing("m", 2), listing("n", 1, prod=1))
    assert known_as(whole, without_label) == without_label


def test_another_spec_of_a_model_replaces_what_was_known() -> None:
    lane, world = serving(listing("m", 1, 2, stable=2))
    lane.send(config(listing("m", 1, 2, stable=2)), 100.5, m="old")
    lane.look(100.6)
    world.models, world.labels = {}, {}
    lane.look(101.0)
    lane.send(config(listing("m", 5)), 102.0, m="new")
    assert lane.memory.known_as == config(listing("m", 5))


def test_reached_specs_are_kept_and_their_failures_forgotten() -> None:
    lane, world = serving(listing("m", 1))
    lane.send(config(listing("m", 1, 2)), 101.0, m="bad")
    world.models["m"][2] = BROKEN
    lane.look(102.0)
    good = GoodSpec(listing("m", 1), "good", 103.0)
    lane.memory = belief.reached(lane.memory, (good,))
    seen = lane.look(104.0)
    assert seen.good_spec("m") == good
    assert len(seen.failures_of("m", "bad")) == 1
    lane.memory = belief.reached(lane.memory, (GoodSpec(listing("m", 1, 2), "bad", 105.0),))
    seen = lane.look(106.0)
    assert seen.failures == ()
    assert seen.good_spec("m") == GoodSpec(listing("m", 1, 2), "bad", 105.0)
