"""Nobody takes away a label that no other server answers, unless git says `allowDowntime`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from builders import COMMIT, FLEET, at, auto, limited, lines, model, reading, resource, sized

from reconciler import plan as planning
from reconciler.state.desired import Desired, DesiredModel, DesiredServer, Fleet, Rollout, Wave
from reconciler.state.look import Reach, ReachKind
from reconciler.state.observed import Observed
from reconciler.state.plan import Hold, HoldReason, Plan, ServerPlan

OLD, NEW = (resource(model("half", (number,), stable=number)) for number in (1, 2))
LOST = Reach(ReachKind.UNREACHABLE, "connection refused")


def consenting(wanted: DesiredModel) -> DesiredModel:
    return replace(wanted, transition=replace(wanted.transition, allow_downtime=True))


@dataclass
class Servers:
    """Servers by `fleet/name`, all at rest on one model, for which git asks another."""

    names: tuple[str, ...]
    before: DesiredModel = OLD
    after: DesiredModel = NEW
    rules: Rollout | None = None
    seen: dict[str, Observed] = field(init=False)

    def __post_init__(self) -> None:
        pairs = zip(self.wanted(self.before), self.wanted(self.after), strict=True)
        self.seen = {new.id: at(old, new) for old, new in pairs}

    def wanted(self, wanted: DesiredModel) -> tuple[DesiredServer, ...]:
        return tuple(
            DesiredServer(self.fleet(name), name.partition("/")[2], name, models=(wanted,)) for name in self.names
        )

    def fleet(self, name: str) -> Fleet:
        return replace(FLEET, name=name.partition("/")[0], rollout=self.rules)

    def plan(self) -> Plan:
        return planning.plan(Desired(COMMIT, self.wanted(self.after)), self.seen)

    def without(self, name: str) -> "Servers":
        """That server answers the label no longer."""
        self.seen[name] = reading(self.seen[name], "half", "stable", None)
        return self

    def lost(self, name: str) -> "Servers":
        self.seen[name] = replace(self.seen[name], reach=LOST)
        return self


def going(plan: Plan) -> list[str]:
    """The servers on which something may be sent now."""
    return [each.server for each in plan.servers if each.next_pass is not None]


def held(plan: ServerPlan) -> Mapping[HoldReason, Hold]:
    return {hold.reason: hold for hold in plan.holds}


ALONE, PAIR = ("eu/gpu-1",), ("eu/gpu-1", "eu/gpu-2")


def test_the_only_server_that_answers_a_label_keeps_it() -> None:
    (plan,) = Servers(ALONE).plan().servers
    hold = held(plan)[HoldReason.DOWNTIME_NOT_ALLOWED]
    assert plan.next_pass is None
    assert plan.blocked
    assert "label stable" in hold.detail
    assert "allowDowntime" in hold.released_by


def test_the_road_after_the_consent_is_shown_with_its_gap() -> None:
    (plan,) = Servers(ALONE).plan().servers
    assert plan.waiting
    assert lines(plan)[0] == "1 unlabel half stable"
    assert [gap.label for gap in plan.passes[0].gaps] == ["stable"]


def test_with_consent_the_only_server_exchanges() -> None:
    assert going(Servers(ALONE, consenting(OLD), consenting(NEW)).plan()) == ["eu/gpu-1"]


def test_where_another_server_answers_one_after_the_other_goes() -> None:
    plan = Servers(PAIR).plan()
    assert going(plan) == ["eu/gpu-1"]
    assert HoldReason.WAVE_TURN in held(plan.servers[1])
    assert not plan.servers[1].blocked


def test_a_server_of_another_fleet_counts_where_it_serves_the_same_document() -> None:
    plan = Servers(("eu/gpu-1", "us/gpu-1")).plan()
    assert going(plan) == ["eu/gpu-1"]
    assert (
        "us/gpu-1 and eu/gpu-1, which exchanges its version now" in held(plan.servers[1])[HoldReason.WAVE_TURN].detail
    )


def test_a_server_that_does_not_answer_the_label_is_no_other() -> None:
    plan = Servers(PAIR).without("eu/gpu-2").plan()
    assert HoldReason.DOWNTIME_NOT_ALLOWED in held(plan.servers[0])


def test_a_server_out_of_reach_is_no_other() -> None:
    plan = Servers(PAIR).lost("eu/gpu-2").plan()
    assert HoldReason.DOWNTIME_NOT_ALLOWED in held(plan.servers[0])


def test_rules_that_let_both_change_at_once_do_not_let_both_lose_their_label() -> None:
    plan = Servers(PAIR, rules=Rollout(max_concurrent=2)).plan()
    assert going(plan) == ["eu/gpu-1"]
    assert "exchanges its version now" in held(plan.servers[1])[HoldReason.WAVE_TURN].detail


def test_of_three_servers_two_may_exchange_at_once_where_the_rules_say_so() -> None:
    names = ("eu/gpu-1", "eu/gpu-2", "eu/gpu-3")
    assert going(Servers(names, rules=Rollout(max_concurrent=3)).plan()) == ["eu/gpu-1", "eu/gpu-2"]


def test_a_server_that_may_not_exchange_takes_nobodys_place() -> None:
    servers = Servers(("eu/gpu-1", "eu/gpu-2"), rules=Rollout(max_concurrent=1)).without("eu/gpu-2")
    plan = servers.plan()
    assert going(plan) == ["eu/gpu-2"]
    assert HoldReason.DOWNTIME_NOT_ALLOWED in held(plan.servers[0])


def test_an_exchange_without_a_label_needs_no_consent() -> None:
    before, after = (resource(model("half", (number,))) for number in (1, 2))
    assert going(Servers(ALONE, before, after).plan()) == ["eu/gpu-1"]


def test_a_label_that_moves_to_a_loaded_version_needs_no_consent() -> None:
    before, after = (resource(model("half", (1, 2), stable=number)) for number in (1, 2))
    assert going(Servers(ALONE, before, after).plan()) == ["eu/gpu-1"]


def test_availability_needs_no_consent() -> None:
    before, after = (model("half", (number,), stable=number) for number in (1, 2))
    assert going(Servers(ALONE, before, after).plan()) == ["eu/gpu-1"]


def auto_on_one(units: int) -> ServerPlan:
    before, after = (auto(model("half", (number,), stable=number)) for number in (1, 2))
    servers = Servers(ALONE, before, after)
    (wanted,) = servers.wanted(after)
    observed = {"eu/gpu-1": sized(servers.seen["eu/gpu-1"], half={1: 2, 2: 2})}
    return planning.plan(Desired(COMMIT, (limited(wanted, units),)), observed).servers[0]


def test_auto_needs_consent_where_it_comes_to_an_exchange_and_only_there() -> None:
    assert auto_on_one(4).next_pass is not None
    assert HoldReason.DOWNTIME_NOT_ALLOWED in held(auto_on_one(3))


def test_an_exchange_that_has_begun_leaves_its_last_label_when_the_other_server_dies() -> None:
    before = resource(model("half", (1, 2), stable=1))
    after = resource(model("half", (3, 4), stable=3))
    servers = Servers(PAIR, before, after)
    spec = planning.spec_digest(after, servers.seen["eu/gpu-1"])
    servers.seen["eu/gpu-1"] = replace(servers.seen["eu/gpu-1"], specs=(("half", spec),))
    servers.lost("eu/gpu-2")
    plan = servers.plan().servers[0]
    assert plan.next_pass is not None  # version 2 has no label
    assert lines(plan) == [
        "1 unload half 2",
        "2 load half 3",
        "3 label half stable 1>3",
        "4 unload half 1",
        "5 load half 4",
    ]


def test_a_label_is_kept_though_its_exchange_has_begun() -> None:
    servers = Servers(PAIR)
    spec = planning.spec_digest(NEW, servers.seen["eu/gpu-1"])
    servers.seen["eu/gpu-1"] = replace(servers.seen["eu/gpu-1"], specs=(("half", spec),))
    assert going(servers.plan()) == ["eu/gpu-1"]
    plan = servers.lost("eu/gpu-2").plan().servers[0]
    assert plan.next_pass is None
    assert HoldReason.DOWNTIME_NOT_ALLOWED in held(plan)


def test_a_wave_behind_a_server_that_may_not_exchange_is_not_said_to_be_on_its_way() -> None:
    rules = Rollout(max_concurrent=1, waves=(Wave("first", most=1), Wave("rest")))
    plan = Servers(PAIR, rules=rules).without("eu/gpu-2").plan()
    hold = held(plan.servers[1])[HoldReason.WAVE_TURN]
    assert "eu/gpu-1 is held (DowntimeNotAllowed)" in hold.detail
    assert not hold.progressing


def test_a_server_not_looked_at_yet_is_waited_for() -> None:
    servers = Servers(PAIR)
    found = {each.id: planning.NOT_YET for each in servers.wanted(NEW)}
    (one, _) = servers.wanted(NEW)
    free = planning.plan_server(COMMIT, one, servers.seen[one.id])
    found[one.id] = planning.progress(COMMIT, one, servers.seen[one.id], free)
    vetoes = planning.vetoes(servers.wanted(NEW), found, (), 1000.0)
    assert vetoes[one.id]["half"].progressing
    assert "was not looked at yet" in vetoes[one.id]["half"].detail
