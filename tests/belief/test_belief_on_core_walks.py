"""Random walks on the real core: whatever is listed, dropped and listed again at whatever moment, belief stays true."""

from belief_lane import CoreLane, CoreWorld, config, desired, listing
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.modelserver import core
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.look import LabelKind
from reconciler.state.memory import AnswerKind
from reconciler.state.observed import Observed, ObservedModel

NAMES = ("m", "n")

moments = st.sampled_from([0.05, 0.1, 0.25, 0.6, 0.9, 1.3, 2.5])
wishes = st.tuples(
    st.sampled_from(NAMES), st.sets(st.integers(1, 3), min_size=1), st.sampled_from(["keep", "label", "drop"]), moments
)


def begin(load_threads: int, seconds: float) -> CoreLane:
    disk = core.MemoryDisk()
    for name in NAMES:
        disk.add(f"/models/{name}", 1, 2, 3)
    flags = core.Flags(num_load_threads=load_threads, num_unload_threads=load_threads, max_num_load_retries=0)
    world = CoreWorld(disk, flags=flags)
    world.loads.default = core.Load(seconds)
    lane = CoreLane(desired(*(listing(name, 1) for name in NAMES)), world)
    lane.last(2.0)
    return lane


def wish(seen: Observed, name: str, versions: set[int], what: str) -> ServerConfig:
    """The config in force with one model changed. A label goes to a version that is proven, and stays listed."""
    model = seen.model(name)
    if what == "drop":
        return seen.sent.without(name)
    now = seen.sent.model(name) or listing(name)
    held = {version for _, version in now.labels if model.version(version).proven}
    wanted = now.with_versions(*(versions | held)).with_labels({key: at for key, at in now.labels if at in held})
    proven = [version for version in model.proven if version in wanted.listed]
    labelled = wanted.with_labels({"stable": proven[-1]}) if what == "label" and proven else wanted
    return carried(seen.sent.with_model(labelled), seen)


def carried(sent: ServerConfig, seen: Observed) -> ServerConfig:
    """Only labels whose target is proven: a stale one would refuse everything (rule E5)."""
    return ServerConfig(tuple(_cleaned(model, seen.model(model.name)) for model in sent.models))


def _cleaned(model: ModelConfig, seen: ObservedModel) -> ModelConfig:
    return model.with_labels({label: at for label, at in model.labels if seen.version(at).proven})


def may_add(seen: Observed, name: str) -> bool:
    """A model that was removed comes back after a witnessed END or its rest, never before."""
    model = seen.model(name)
    if not model.removed_at:
        return True
    ended = model.versions and all(each.ended or not each.state for each in model.versions)
    return bool(ended) or (seen.at >= model.rest_at and not any(each.going for each in model.versions))


@given(st.lists(wishes, min_size=3, max_size=14), st.sampled_from([0, 2]), st.sampled_from([0.02, 0.3, 1.2]))
@settings(max_examples=40)
def test_what_is_proven_serves_until_it_is_dropped(
    walk: list[tuple[str, set[int], str, float]], load_threads: int, seconds: float
) -> None:
    lane = begin(load_threads, seconds)
    lane.deliver(config(listing("m", 1)))
    for name, versions, what, pause in walk:
        seen = lane.last(0.05)
        if lane.memory.outstanding is None and (name in seen.sent.names or may_add(seen, name)):
            deliver(lane, wish(seen, name, versions, what))
        for seen in lane.watch(pause):
            assert_true(lane, seen)
            if what == "label" and lane.memory.outstanding is None:
                label_at_once(lane, seen, name)
    for seen in lane.watch(12.0, step=0.5):
        assert_true(lane, seen)
    assert_at_rest(seen)


def label_at_once(lane: CoreLane, seen: Observed, name: str) -> None:
    """The label follows the highest proven version in the very look that shows it: the traps last 0.2 s."""
    model = seen.sent.model(name)
    proven = [version for version in seen.model(name).proven if model and version in model.listed]
    if model and proven and model.label("stable") != proven[-1]:
        deliver(lane, carried(seen.sent.with_model(model.with_labels({"stable": proven[-1]})), seen))


def deliver(lane: CoreLane, sent: ServerConfig) -> None:
    answer = lane.deliver(sent)
    assert answer.kind in (AnswerKind.ACCEPTED, AnswerKind.MODELS_FAILED), answer


def assert_true(lane: CoreLane, seen: Observed) -> None:
    """Proven versions are loaded and wanted; labels in force resolve, whatever else goes on."""
    for model in seen.models:
        loaded = lane.core.life.core.loaded(model.name)
        for version in model.versions:
            assert not version.proven or version.version in loaded, (model.name, version, seen.at)
    for sent in seen.sent.models:
        for label, target in sent.labels:
            reading = lane.core.label(sent.name, label)
            assert (reading.kind, reading.version) == (LabelKind.RESOLVES, target), (sent.name, label, reading, seen.at)


def assert_at_rest(seen: Observed) -> None:
    """In the end everything listed is proven, nothing is going, nothing is suspect, doubted or failed."""
    assert not seen.doubts
    assert not seen.failures
    assert seen.outstanding is None
    for sent in seen.sent.models:
        assert seen.model(sent.name).proven == sent.listed
    for model in seen.models:
        assert not any(version.going or version.suspect for version in model.versions if version.listed)
