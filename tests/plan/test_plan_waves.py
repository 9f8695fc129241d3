"""Waves: which servers of a fleet may begin a change, in which order, and what stops it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from builders import COMMIT, FLEET, at, model, resource

from reconciler import plan as planning
from reconciler.plan import progress, reached
from reconciler.plan.waves import waves
from reconciler.state.desired import Desired, DesiredModel, DesiredServer, Fleet, Rollout, Wave
from reconciler.state.look import Reach, ReachKind, ServingError
from reconciler.state.memory import Failure
from reconciler.state.observed import Observed
from reconciler.state.plan import Hold, Plan, ServerPlan

CANARY = Rollout(max_concurrent=1, waves=(Wave("first", (("tier", "canary"),), pause=600.0), Wave("rest")))


@dataclass
class Servers:
    """A fleet on which every server served `before`, and for which git now says `after`."""

    rules: Rollout | None
    before: tuple[DesiredModel, ...] = (model("half", (1,), stable=1),)
    after: tuple[DesiredModel, ...] = (model("half", (2,), stable=2),)
    tiers: tuple[str, ...] = ("canary", "prod", "prod")
    seen: dict[str, Observed] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for server in self.named(self.before):
            observed = replace(at(server, self.of(server.id)), server=server.id)
            self.seen[server.id] = replace(observed, good=reached(server, observed))

    def fleet(self) -> Fleet:
        return replace(FLEET, rollout=self.rules)

    def named(self, models: tuple[DesiredModel, ...]) -> list[DesiredServer]:
        return [
            DesiredServer(self.fleet(), f"gpu-{number}", "", labels=(("tier", tier),), models=models)
            for number, tier in enumerate(self.tiers, start=1)
        ]

    def of(self, name: str) -> DesiredServer:
        return next(each for each in self.named(self.after) if each.id == name)

    def begun(self, number: int) -> "Servers":
        """The change was sent there, and is not through."""
        server = self.of(f"eu/gpu-{number}")
        specs = tuple((each.name, planning.spec_digest(each, self.seen[server.id])) for each in server.models)
        self.seen[server.id] = replace(self.seen[server.id], specs=specs)
        return self

    def done(self, number: int, when: float = 0.0) -> "Servers":
        """The server has converged on the change."""
        server = self.of(f"eu/gpu-{number}")
        observed = replace(at(server), server=server.id)
        goods = tuple(replace(good, at=when) for good in reached(server, observed))
        self.seen[server.id] = replace(observed, good=goods)
        return self

    def changed(self, number: int, **facts: object) -> "Servers":
        name = f"eu/gpu-{number}"
        self.seen[name] = replace(self.seen[name], **facts)  # type: ignore[arg-type]  # by name
        return self

    def plan(self) -> Plan:
        return planning.plan(Desired(COMMIT, tuple(self.named(self.after))), self.seen)

    def going(self) -> list[int]:
        """The servers to which something may be sent now."""
        return [number for number, each in enumerate(self.plan().servers, start=1) if each.next_pass is not None]

    def holds(self, number: int) -> list[Hold]:
        return list(self.plan().servers[number - 1].holds)


def test_without_rules_all_servers_change_at_once() -> None:
    assert Servers(None).going() == [1, 2, 3]


def test_the_first_wave_goes_first() -> None:
    assert Servers(CANARY).going() == [1]


def test_a_server_that_waits_says_for_which_server_of_which_wave() -> None:
    (hold,) = Servers(CANARY).holds(2)
    assert (hold.reason, hold.progressing) == ("WaveTurn", True)
    assert hold.detail == "wave rest (2 of 2) waits for wave first: eu/gpu-1 has still to change"


def test_a_server_that_waits_shows_the_road_it_will_take() -> None:
    plan = Servers(CANARY).plan().servers[1]
    assert (plan.next_pass, plan.waiting, len(plan.passes)) == (None, True, 3)
    assert not plan.converged


def test_the_next_wave_waits_while_the_first_is_being_changed() -> None:
    servers = Servers(CANARY).begun(1)
    assert servers.going() == [1]
    assert "eu/gpu-1 is being changed" in servers.holds(3)[0].detail


def test_the_next_wave_waits_for_the_pause_and_says_until_when() -> None:
    servers = Servers(CANARY).done(1, when=1000.0)
    assert servers.going() == []
    assert servers.holds(2)[0].until == 1600.0


def test_after_the_pause_so_many_servers_change_as_may() -> None:
    assert Servers(CANARY).done(1, when=400.0).going() == [2]
    assert Servers(replace(CANARY, max_concurrent=2)).done(1, when=400.0).going() == [2, 3]


def test_a_server_beyond_the_limit_says_who_changes() -> None:
    hold = Servers(CANARY).done(1).begun(2).holds(3)[0]
    assert hold.detail == "at most 1 server may change at a time: now eu/gpu-2"


def test_a_server_with_a_permit_keeps_it_even_where_another_comes_first_by_name() -> None:
    servers = Servers(Rollout(max_concurrent=1)).begun(3)
    assert servers.going() == [3]


def failing(servers: Servers, number: int) -> Servers:
    server = servers.of(f"eu/gpu-{number}")
    digest = planning.spec_digest(server.models[0], servers.seen[server.id])
    error = ServingError(15, "bad")
    return servers.begun(number).changed(number, failures=(Failure("half", 2, digest, 3, 900.0, error),))


def test_a_failure_in_the_first_wave_stops_the_rest() -> None:
    servers = failing(Servers(CANARY), 1)
    hold = servers.holds(2)[0]
    assert servers.going() == []
    assert (hold.reason, hold.progressing) == ("RolloutStopped", False)
    assert "failed on eu/gpu-1" in hold.detail


def test_a_failure_stops_other_servers_of_the_same_wave_too() -> None:
    assert failing(Servers(Rollout(max_concurrent=1)), 2).going() == []


def test_another_model_goes_on_while_one_has_failed() -> None:
    before = (model("half", (1,), stable=1), model("other", (1,), stable=1))
    after = (model("half", (2,), stable=2), model("other", (2,), stable=2))
    servers = failing(Servers(Rollout(max_concurrent=3), before, after), 1)
    plan = servers.plan().servers[1]
    assert {action.model for body in plan.passes for action in body.actions} == {"other"}
    assert {(hold.model, hold.reason) for hold in plan.holds} == {("half", "RolloutStopped")}


def test_servers_out_of_reach_stop_a_rollout_when_they_are_too_many() -> None:
    lost = Reach(ReachKind.UNREACHABLE, "connection refused")
    servers = Servers(replace(CANARY, max_unavailable=1)).changed(3, reach=lost)
    assert "eu/gpu-3 cannot be reached or used (connection refused)" in servers.holds(1)[0].detail


def test_a_server_out_of_reach_that_may_be_holds_up_nobody_and_takes_no_place() -> None:
    lost = Reach(ReachKind.UNREACHABLE, "connection refused")
    assert Servers(replace(CANARY, max_unavailable=2)).changed(1, reach=lost).going() == [2]


def test_a_server_not_looked_at_holds_up_the_waves_after_it() -> None:
    servers = Servers(CANARY)
    found = {name: planning.Progress(unknown=True) for name in servers.seen}
    found["eu/gpu-2"] = _progress(servers, 2)
    held = planning.vetoes(servers.named(servers.after), found, (), 1000.0)
    assert "eu/gpu-1 was not looked at yet" in held["eu/gpu-2"]["half"].detail


def _progress(servers: Servers, number: int) -> planning.Progress:
    server = servers.of(f"eu/gpu-{number}")
    plan = planning.plan_server(COMMIT, server, servers.seen[server.id])
    return progress(COMMIT, server, servers.seen[server.id], plan)


def test_a_permit_given_counts_before_its_holder_shows_what_it_does_with_it() -> None:
    servers = Servers(Rollout(max_concurrent=1))
    found = {f"eu/gpu-{number}": _progress(servers, number) for number in (1, 2, 3)}
    held = planning.vetoes(servers.named(servers.after), found, ("eu/gpu-3",), 1000.0)
    assert set(held) == {"eu/gpu-1", "eu/gpu-2"}


def without_files(servers: Servers) -> Servers:
    """The first server's storage lacks what git asks for."""
    return servers.changed(1, paths=at(servers.named(servers.before)[0]).paths)


def test_what_is_held_by_something_else_takes_nobodys_place() -> None:
    missing = Servers(Rollout(max_concurrent=1)).changed(
        1, paths=at(Servers(None).named(Servers(None).before)[0]).paths
    )
    assert missing.going() == [2]


def test_a_held_server_of_the_first_wave_holds_up_the_next_and_says_why() -> None:
    missing = without_files(Servers(CANARY))
    hold = missing.holds(2)[0]
    assert "eu/gpu-1 is held (ArtifactMissing)" in hold.detail
    assert not hold.progressing


def test_going_back_skips_order_pause_and_stop_and_keeps_to_the_limit() -> None:
    servers = Servers(CANARY)
    back = {
        name: (("half", planning.spec_digest(servers.of(name).models[0], seen)),) for name, seen in servers.seen.items()
    }
    for number in (1, 2, 3):
        servers.changed(number, past=back[f"eu/gpu-{number}"])
    assert servers.going() == [1]
    assert servers.begun(1).holds(2)[0].detail.startswith("at most 1 server")
    assert servers.done(1, when=1000.0).going() == [2]


def test_a_server_that_lost_its_models_is_healed_without_a_permit() -> None:
    servers = Servers(CANARY)
    empty = replace(servers.seen["eu/gpu-2"], sent=at(servers.named(())[0]).sent, models=())
    plan = servers.changed(2, sent=empty.sent, models=()).plan().servers[1]
    assert plan.next_pass is not None
    assert [action.version for action in plan.next_pass.actions] == [1]


def test_a_removal_waits_its_turn_like_any_change() -> None:
    both = (model("half", (1,), stable=1), model("other", (1,)))
    servers = Servers(CANARY, both, both[:1])
    servers.seen = {name: replace(seen) for name, seen in servers.seen.items()}
    fleet = replace(FLEET, rollout=CANARY, prune=True)
    wanted = [replace(server, fleet=fleet) for server in servers.named(servers.after)]
    plans = planning.plan(Desired(COMMIT, tuple(wanted)), servers.seen).servers
    assert [plan.next_pass is not None for plan in plans] == [True, False, False]
    assert {hold.model for hold in plans[1].holds} == {"other"}


def test_without_rules_resource_goes_one_server_at_a_time() -> None:
    before, after = (resource(model("half", (1,), stable=1)),), (resource(model("half", (2,), stable=2)),)
    servers = Servers(None, before, after)
    assert servers.going() == [1]
    assert "one server at a time" in servers.holds(2)[0].detail
    assert servers.done(1).going() == [2]


def test_a_rule_for_how_many_may_change_holds_for_resource_too() -> None:
    before, after = (resource(model("half", (1,), stable=1)),), (resource(model("half", (2,), stable=2)),)
    assert Servers(Rollout(max_concurrent=2), before, after).going() == [1, 2]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ((Wave("one", most=1), Wave("rest")), {"one": ["eu/gpu-1"], "rest": ["eu/gpu-2", "eu/gpu-3"]}),
        ((Wave("prod", (("tier", "prod"),), most=1),), {"prod": ["eu/gpu-2"], "rest": ["eu/gpu-1", "eu/gpu-3"]}),
        ((Wave("all"), Wave("none")), {"all": ["eu/gpu-1", "eu/gpu-2", "eu/gpu-3"], "none": []}),
    ],
)
def test_a_server_is_in_the_first_wave_that_selects_it(
    rules: tuple[Wave, ...], expected: Mapping[str, list[str]]
) -> None:
    servers = Servers(None)
    found = waves(Rollout(waves=rules), servers.named(servers.after))
    assert {wave.name: list(names) for wave, names in found} == expected


def test_a_hundred_servers_are_planned_in_the_order_of_their_waves() -> None:
    tiers = ("canary",) * 10 + ("prod",) * 90
    servers = Servers(replace(CANARY, max_concurrent=7), tiers=tiers)
    assert servers.going() == [1, 2, 3, 4, 5, 6, 7]
    for number in range(1, 11):
        servers.done(number, when=0.0)
    plans: tuple[ServerPlan, ...] = servers.plan().servers
    assert sum(plan.next_pass is not None for plan in plans) == 7
