"""What runs where now: versions and labels as last seen, the commit of the spec that was reached."""

from reconciler.record.current import Running, current
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.look import LabelKind, LabelReading, VersionState
from reconciler.state.memory import GoodSpec, LabelMemory, Memory, VersionMemory
from reconciler.state.versions import specific

HALF = ModelConfig("half", "/models/half", specific(1, 2), (("stable", 1),))
COMMITS = {("eu/gpu-1", "half", "A"): "c1"}


def commit_of(server: str, model: str, digest: str) -> str:
    return COMMITS.get((server, model, digest), "")


def seen(model: str, version: int, state: VersionState = VersionState.AVAILABLE) -> VersionMemory:
    return VersionMemory(model, version, state)


def test_a_model_runs_what_was_seen_by_the_commit_that_was_reached() -> None:
    memory = Memory(
        "eu/gpu-1",
        "h",
        sent=ServerConfig((HALF,)),
        versions=(seen("half", 2), seen("half", 1), seen("half", 3, VersionState.LOADING)),
        labels=(
            LabelMemory("half", "stable", LabelReading(LabelKind.RESOLVES, 1), 5.0),
            LabelMemory("half", "canary", LabelReading(LabelKind.UNDEFINED), 5.0),
        ),
        good=(GoodSpec(HALF, "A", 7.0),),
    )
    assert current([memory], commit_of) == (Running("eu/gpu-1", "half", (1, 2), (("stable", 1),), "c1", 7.0),)


def test_a_model_that_never_reached_a_spec_has_no_commit() -> None:
    memory = Memory("eu/gpu-1", "h", sent=ServerConfig((HALF,)))
    assert current([memory], commit_of) == (Running("eu/gpu-1", "half", (), (), "", 0.0),)


def test_what_nobody_asked_for_is_shown_where_it_is_loaded() -> None:
    memory = Memory("eu/gpu-1", "h", versions=(seen("orphan", 4), seen("gone", 1, VersionState.END)))
    assert [(each.model, each.versions) for each in current([memory], commit_of)] == [("orphan", (4,))]


def test_servers_and_models_are_in_order() -> None:
    memories = [Memory(name, "h", versions=(seen("b", 1), seen("a", 1))) for name in ("eu/gpu-2", "eu/gpu-1")]
    found = [(each.server, each.model) for each in current(memories, commit_of)]
    assert found == [("eu/gpu-1", "a"), ("eu/gpu-1", "b"), ("eu/gpu-2", "a"), ("eu/gpu-2", "b")]
