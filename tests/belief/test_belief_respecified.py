"""A failure belongs to the spec that listed the version, whatever is sent before it can be believed."""

from reconciler import belief
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import DesiredServer, Fleet
from reconciler.state.look import Look, ModelLook, ServingError, StatusEntry, VersionState
from reconciler.state.memory import Answer, AnswerKind, Memory, Standing, VersionMemory
from reconciler.state.plan import Pass, PassKind
from reconciler.state.versions import specific

SERVER = DesiredServer(Fleet("eu"), "gpu-1", "127.0.0.1:8500")
ERROR = ServingError(15, "Can't parse saved_model.pb")
CONFIG = ServerConfig((ModelConfig("half", "/models/half", specific(1, 2)),))


def failed_under(digest: str, then: str) -> Memory:
    """Version 2 failed and is still suspect; the same list is sent again under another spec, and time passes."""
    suspect = VersionMemory("half", 2, VersionState.END, ERROR, since=9.0, listed_at=8.0, suspect=True)
    memory = Memory(
        "eu/gpu-1",
        "127.0.0.1:8500",
        standing=Standing.KNOWN,
        sent=CONFIG,
        versions=(suspect,),
        specs=(("half", digest),),
    )
    memory = belief.sending(SERVER, memory, Pass(1, PassKind.CHANGE, (), CONFIG, specs=(("half", then),)), 10.0)
    memory = belief.answered(SERVER, memory, Answer(AnswerKind.ACCEPTED), 10.0)
    status = ModelLook("half", (StatusEntry(2, VersionState.END, ERROR),))
    return belief.learn(SERVER, memory, Look("eu/gpu-1", 20.0, models=(status,)))


def test_failure_of_a_version_listed_before_is_not_booked_to_the_new_spec() -> None:
    assert failed_under("sha256:old", "sha256:new").failures == ()


def test_failure_of_a_version_is_booked_where_the_spec_stayed() -> None:
    assert [failure.version for failure in failed_under("sha256:old", "sha256:old").failures] == [2]
