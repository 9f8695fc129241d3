"""A new base path under `latest` and `all`: what the server chooses there is loaded at once, and needs its memory."""

from dataclasses import replace

from builders import COMMIT, at, model, server

from reconciler.invariants import check_pass
from reconciler.plan import plan_server
from reconciler.state.desired import MemoryBudget
from reconciler.state.look import PathFacts, Presence, VersionFiles
from reconciler.state.plan import HoldReason
from reconciler.state.versions import Latest


def test_a_new_path_whose_latest_version_does_not_fit_is_held() -> None:
    now = replace(model("half", ()), policy=Latest(1))
    wanted = server(replace(now, base_path="/new/half"))
    wanted = replace(wanted, memory=MemoryBudget(100))
    copies = (VersionFiles(1, (), 50, "sha256:1"), VersionFiles(2, (), 90, "sha256:2"))
    old = PathFacts("/models/half", Presence.SEEN, copies[:1])
    observed = replace(at(server(now)), paths=(old, PathFacts("/new/half", Presence.SEEN, copies)))
    plan = plan_server(COMMIT, wanted, observed)
    assert plan.next_pass is None or check_pass(wanted, observed, plan.next_pass) == ()
    assert plan.next_pass is None
    assert {hold.reason for hold in plan.holds} & {HoldReason.MEMORY_SHORT, HoldReason.MEMORY_TURN}
