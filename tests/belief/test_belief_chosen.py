"""What the server chose under `latest` and `all`, judged against the files: which of it is another writer's doing."""

from belief_lane import AVAILABLE, BROKEN, END, LOADING, START, CoreLane, CoreWorld, HandWorld, Lane, config, desired
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.modelserver import core
from reconciler.state.config import ModelConfig
from reconciler.state.look import PathFacts, Presence, ServingError, VersionFiles, VersionState
from reconciler.state.memory import DoubtReason, Standing
from reconciler.state.versions import All, Latest, VersionPolicy, specific

States = dict[int, VersionState | ServingError]


class StoredWorld(HandWorld):
    """A world whose storage shows just these versions; none where it cannot be seen."""

    stored: tuple[VersionFiles, ...] | None = ()

    def path(self, base_path: str) -> PathFacts:
        if self.stored is None:
            return PathFacts(base_path, Presence.UNSEEN)
        return PathFacts(base_path, Presence.SEEN, self.stored)


def chosen(name: str, policy: VersionPolicy) -> ModelConfig:
    return ModelConfig(name, f"/models/{name}", policy)


def files(*versions: int) -> tuple[VersionFiles, ...]:
    return tuple(VersionFiles(version) for version in versions)


def _given(policy: VersionPolicy, versions: list[int]) -> list[int]:
    return versions[: policy.count] if isinstance(policy, Latest) else versions


def serving(policy: VersionPolicy, *versions: int) -> tuple[Lane, StoredWorld]:
    """A lane whose server is known to serve these versions of `m`; no others are stored; the last look was at 100 s."""
    world = StoredWorld()
    world.stored = files(*versions)
    lane = Lane(desired(chosen("m", policy)), world)
    lane.look(1.0)
    lane.send(config(chosen("m", policy)), 10.0)
    world.models["m"] = dict.fromkeys(versions, AVAILABLE)
    for at in (20.0, 50.0, 100.0):
        lane.look(at)
    assert lane.memory.standing is Standing.KNOWN
    return lane, world


def after(policy: VersionPolicy, stored: tuple[int, ...], now: States, seconds: float) -> Standing:
    """How well the config is known when that has been seen of a server for so long, without a break."""
    lane, world = serving(policy, *_given(policy, sorted({*now} & {*stored})))
    world.models["m"], world.stored = now, files(*stored)
    for tenth in range(int(seconds * 10)):
        lane.look(100.1 + tenth / 10)
    return lane.memory.standing


def test_a_version_that_the_policy_asks_for_and_somebody_unloaded_is_doubted_four_seconds_later() -> None:
    assert after(Latest(2), (1, 2), {1: AVAILABLE, 2: END}, 3.8) is Standing.KNOWN
    assert after(Latest(2), (1, 2), {1: AVAILABLE, 2: END}, 6.0) is Standing.LOST


def test_a_model_of_which_everything_was_unloaded_is_doubted() -> None:
    assert after(All(), (1, 2), {1: END, 2: END}, 6.0) is Standing.LOST


def test_a_version_that_the_policy_does_not_ask_for_and_somebody_loaded_is_doubted() -> None:
    assert after(Latest(1), (1, 2), {1: AVAILABLE, 2: AVAILABLE}, 6.0) is Standing.LOST


def test_a_version_not_taken_up_is_doubted_only_after_a_minute_more() -> None:
    assert after(Latest(1), (1, 2), {1: AVAILABLE}, 60.0) is Standing.KNOWN
    assert after(Latest(1), (1, 2), {1: AVAILABLE}, 80.0) is Standing.LOST


def test_a_load_that_failed_is_no_doubt_nor_is_what_serves_instead_of_it() -> None:
    assert after(Latest(1), (1, 2), {1: AVAILABLE, 2: BROKEN}, 100.0) is Standing.KNOWN


def test_a_load_that_waits_or_takes_long_is_no_doubt() -> None:
    assert after(Latest(1), (1, 2), {1: AVAILABLE, 2: LOADING}, 100.0) is Standing.KNOWN
    assert after(Latest(1), (1, 2), {1: AVAILABLE, 2: START}, 100.0) is Standing.KNOWN


def test_files_that_only_one_of_both_sees_are_no_doubt() -> None:
    assert after(Latest(1), (1,), {1: END, 2: AVAILABLE}, 100.0) is Standing.KNOWN


def test_a_version_whose_files_went_is_no_doubt() -> None:
    assert after(All(), (1,), {1: AVAILABLE, 2: END}, 100.0) is Standing.KNOWN


def test_a_directory_that_is_not_complete_is_no_doubt() -> None:
    lane, world = serving(Latest(1), 1)
    world.stored = (*files(1), VersionFiles(2, ("saved_model.pb",)))
    for second in range(101, 200):
        lane.look(float(second))
    assert lane.memory.standing is Standing.KNOWN


def test_storage_that_cannot_be_seen_proves_nothing() -> None:
    lane, world = serving(Latest(2), 1, 2)
    world.models["m"], world.stored = {1: AVAILABLE, 2: END}, None
    for second in range(101, 200):
        lane.look(float(second))
    assert lane.memory.standing is Standing.KNOWN


def test_a_model_that_the_server_does_not_know_is_doubted_whatever_storage_says() -> None:
    world = StoredWorld()
    world.stored = None
    lane = Lane(desired(chosen("m", Latest(1))), world)
    lane.look(1.0)
    lane.send(config(chosen("m", Latest(1))), 10.0)
    for second in range(101, 200):
        lane.look(float(second))
        if lane.memory.standing is Standing.LOST:
            break
    assert [(each.version, each.kind) for each in lane.memory.doubts] == [(0, DoubtReason.OVERLOOKED)]
    assert lane.memory.standing is Standing.LOST


def test_storage_is_looked_at_at_every_look_while_something_does_not_fit() -> None:
    lane, world = serving(Latest(2), 1, 2)
    assert lane.ask(100.5).paths == ()
    world.models["m"] = {1: AVAILABLE, 2: END}
    lane.look(101.0)
    assert [each.base_path for each in lane.ask(101.1).paths] == ["/models/m"]


def test_thousands_of_versions_make_no_more_doubts_than_can_be_read() -> None:
    lane, world = serving(All(), 1)
    world.stored = files(*range(1, 2001))
    for second in range(101, 115):
        lane.look(float(second))
    assert len(lane.memory.doubts) == 16


# On the model server's core: files come and go, and nobody else sends anything.

moves = st.lists(
    st.tuples(
        st.sampled_from(("put", "put", "take")),
        st.sampled_from(("m", "n")),
        st.integers(1, 5),
        st.sampled_from((0.0, 0.02, 0.3, 1.0, 2.7, 6.0, 11.0)),
    ),
    max_size=12,
)
policies = st.sampled_from((Latest(1), Latest(2), All()))


@given(
    moves,
    policies,
    policies,
    st.sampled_from((0, 1, 2)),
    st.sampled_from((0.02, 1.2, 7.0)),
    st.sampled_from((0.05, 1.5, 10.0)),
)
@settings(max_examples=25)
def test_files_that_come_and_go_are_never_taken_for_another_writer(
    story: list[tuple[str, str, int, float]],
    first: VersionPolicy,
    second: VersionPolicy,
    threads: int,
    seconds: float,
    pace: float,
) -> None:
    lane = begun(first, second, threads, seconds)
    for what, name, version, pause in story:
        change(lane, what, name, version)
        watched(lane, pause, pace)
    watched(lane, 75.0, max(pace, 1.5))


def begun(first: VersionPolicy, second: VersionPolicy, threads: int, seconds: float) -> CoreLane:
    disk = core.MemoryDisk()
    disk.add("/models/m", 1, 2, 3)
    disk.add("/models/n", 1, 2, 3)
    flags = core.Flags(num_load_threads=threads, num_unload_threads=threads, max_num_load_retries=0)
    world = CoreWorld(disk, flags=flags)
    world.loads.default = core.Load(seconds)
    models = (chosen("m", first), chosen("n", second))
    lane = CoreLane(desired(*models), world)
    lane.last(2.0)
    lane.deliver(config(*models))
    lane.last(50.0, step=1.5)
    assert lane.memory.standing is Standing.KNOWN
    return lane


def change(lane: CoreLane, what: str, name: str, version: int) -> None:
    if what == "put":
        lane.core.disk.add(f"/models/{name}", version)
    else:
        lane.core.disk.remove(f"/models/{name}/{version}")


def watched(lane: CoreLane, seconds: float, pace: float) -> None:
    for _ in lane.watch(seconds, pace):
        assert lane.memory.standing is Standing.KNOWN, lane.memory.doubts
        assert not [each for each in lane.memory.doubts if each.rounds]


def test_on_a_real_core_a_second_writer_who_narrows_the_choice_is_noticed() -> None:
    lane = begun(Latest(2), All(), 2, 0.02)
    lane.core.reload(config(ModelConfig("m", "/models/m", specific(2)), chosen("n", All())))
    lane.last(8.0)
    assert lane.memory.standing is Standing.LOST
