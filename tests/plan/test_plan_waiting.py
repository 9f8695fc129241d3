"""A change that may not begin while another one was under way: what stays as it is, and what goes back."""

from dataclasses import replace

from builders import (
    COMMIT,
    at,
    available,
    going,
    lines,
    listing,
    model,
    reading,
    resource,
    seen,
    server,
    with_model,
)

from reconciler.invariants import check_pass
from reconciler.plan import plan_server
from reconciler.state.config import ModelConfig
from reconciler.state.desired import DesiredModel
from reconciler.state.memory import Doubt, DoubtReason, GoodSpec
from reconciler.state.observed import Observed, ObservedModel
from reconciler.state.plan import Hold, HoldReason, ServerPlan
from reconciler.state.versions import Latest, VersionPolicy, specific

TURN = {"half": Hold(HoldReason.WAVE_TURN, "", "gpu-2 goes first", "its convergence", progressing=True)}


def amid(now: DesiredModel, good: VersionPolicy, **labels: int) -> Observed:
    """A server on which `now` is in force and answers, and that was last at rest on something else."""
    config = ModelConfig("half", "/models/half", good, tuple(sorted(labels.items())))
    everything = server(model("half", (1, 2, 3, 4)))
    return replace(at(server(now), everything), good=(GoodSpec(config, "sha256:good", 1.0),))


def waiting(wanted: DesiredModel, observed: Observed) -> ServerPlan:
    plan = plan_server(COMMIT, server(wanted), observed, TURN)
    assert plan.next_pass is None or check_pass(server(wanted), observed, plan.next_pass) == ()
    return plan


def test_a_label_that_the_change_in_between_has_set_goes_on_answering() -> None:
    observed = amid(model("half", (1, 3), stable=3), specific(1))
    assert waiting(model("half", (2,), stable=2), observed).next_pass is None


def test_a_label_that_was_set_on_the_way_to_another_path_goes_on_answering() -> None:
    now = model("half", (2,), stable=2)
    good = GoodSpec(ModelConfig("half", "/new/half", specific(1)), "sha256:good", 1.0)
    observed = replace(amid(now, specific(1)), good=(good,))
    assert waiting(model("half", (1,), stable=1), observed).next_pass is None


def test_under_resource_such_a_model_stays_wholly_as_it_is() -> None:
    observed = amid(model("half", (3,), stable=3), specific(1))
    assert waiting(resource(model("half", (2,), stable=2)), observed).next_pass is None


def test_under_resource_nothing_is_kept_beside_what_it_goes_back_to() -> None:
    observed = amid(model("half", (1,)), specific(2, 3))
    assert lines(waiting(resource(model("half", (1,))), observed))[0] == "1 load half 3"


def test_versions_that_git_has_named_in_between_are_not_handed_back_to_the_server() -> None:
    observed = amid(model("half", (1,), stable=1), Latest(1))
    assert waiting(resource(model("half", (2,), stable=2)), observed).next_pass is None


def test_out_of_a_wedge_a_label_on_a_version_that_is_gone_is_left_out() -> None:
    wanted = server(model("half", (4,), stable=4))
    observed = listing(at(server(model("half", (2,))), wanted), "half", 2, 3, beta=3)
    observed = reading(seen(observed, "half", available(2)), "half", "beta", None)
    stuck = Doubt("half", 3, "does not come", 900.0, 2, kind=DoubtReason.ABSENT)
    body = plan_server(COMMIT, wanted, replace(observed, doubts=(stuck,))).next_pass
    assert body is not None
    assert check_pass(wanted, replace(observed, doubts=(stuck,)), body) == ()


def test_removed_models_on_their_way_out_are_told_in_the_order_of_their_names() -> None:
    wanted = server(model("half", (1,)))
    observed = at(wanted)
    for name in ("zebra", "ant"):
        observed = with_model(observed, ObservedModel(name, (going(1),), removed_at=999.0))
    turned = replace(observed, models=observed.models[::-1])
    told = [each.model for each in plan_server(COMMIT, wanted, turned).differences]
    assert told == ["ant", "zebra"]
