"""What a model server's gRPC answers and errors mean: bytes and status codes → the values of `state/look.py`.

Used by `serving.py` only; no I/O, so each line is tested by itself. Everything a server may say is bounded and survives
here: unknown states, endless lists, texts of any length, bytes that are no message. The error texts are TensorFlow
Serving's own (get_model_status_impl.cc, server_core.cc, basic_manager.cc); those about connections are gRPC core's.
"""

import enum
import re
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from reconciler.state.look import (
    LabelKind,
    LabelReading,
    ModelLook,
    ProofLook,
    Reach,
    ReachKind,
    ServingError,
    StatusEntry,
    VersionState,
)
from reconciler.state.memory import Answer, AnswerKind
from reconciler.wire.stubs import get_model_metadata_pb2, get_model_status_pb2, model_management_pb2


class Code(enum.IntEnum):
    """The gRPC status codes that mean something here; TensorFlow's error codes are the same numbers."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


MAX_ENTRIES = 10_000
"""Versions of one model taken from one answer, the highest first; a real server lists a few dozen."""

MAX_TEXT = 4096
"""Characters kept of anything a server says."""

_STATES = {int(state): state for state in VersionState if state is not VersionState.ABSENT}
_SPECIFIC = re.compile(r"Servable not found for request: Specific\(.*, (-?[0-9]{1,20})\)", re.DOTALL)
_NO_VERSIONS = "Could not find any versions of model"
_NOT_FOUND = "Servable not found for request"
_UNDEFINED = ("Unrecognized servable version label", "Model labels does not init yet")
_LOADS_FAILED = "did not become available"
_NEVER_SENT = ("failed to connect to all addresses", "errors resolving", "connections to all backends failing")
_TLS = ("handshake failed", "verification check failed", "certificate")
_NOT_HTTP2 = "Failed parsing HTTP/2"


@dataclass(frozen=True, slots=True)
class Failed:
    """A call that brought no message: a gRPC status code, and the server's or gRPC's words."""

    code: int
    message: str

    def __str__(self) -> str:
        return f"{self.message[:MAX_TEXT]} (code {self.code})"


Reply = bytes | Failed


def reach(reply: Reply) -> Reach:
    """Whether a server answers, from its reply to GetModelStatus of any model."""
    if isinstance(reply, bytes):
        return _as_serving(reply)
    said = str(reply)
    match reply.code:
        case Code.NOT_FOUND if _NO_VERSIONS in reply.message:
            return Reach()
        case Code.DEADLINE_EXCEEDED | Code.RESOURCE_EXHAUSTED:
            return Reach(ReachKind.SLOW, said)
        case Code.PERMISSION_DENIED | Code.UNAUTHENTICATED:
            return Reach(ReachKind.REFUSING, said)
        case Code.UNAVAILABLE | Code.CANCELLED:
            return _unavailable(reply)
        case _:
            return Reach(ReachKind.NOT_SERVING, f"this is no TensorFlow Serving, or something in between: {said}")


def status(model: str, reply: Reply) -> ModelLook:
    """The status of one model; NOT_FOUND means that the server knows none."""
    if isinstance(reply, Failed):
        if reply.code == Code.NOT_FOUND and _NO_VERSIONS in reply.message:
            return ModelLook(model)
        return ModelLook(model, unseen=str(reply))
    try:
        message = get_model_status_pb2.GetModelStatusResponse.FromString(reply)
    except DecodeError as error:
        return ModelLook(model, unseen=f"the answer is no GetModelStatusResponse: {error}")
    return _entries(model, message.model_version_status)


def label(reply: Reply) -> LabelReading:
    """What a label means, from GetModelMetadata by version_label (rule E29)."""
    if isinstance(reply, bytes):
        version = _resolved(reply)
        if version is None:
            return LabelReading(LabelKind.UNSEEN, detail="the answer names no version")
        return LabelReading(LabelKind.RESOLVES, version)
    found = _SPECIFIC.search(reply.message) if reply.code == Code.NOT_FOUND else None
    if found:
        return LabelReading(LabelKind.DANGLES, int(found[1]), str(reply))
    if reply.code in (Code.INVALID_ARGUMENT, Code.UNAVAILABLE) and reply.message.startswith(_UNDEFINED):
        return LabelReading(LabelKind.UNDEFINED, detail=str(reply))
    return LabelReading(LabelKind.UNSEEN, detail=str(reply))


def proof(model: str, version: int, reply: Reply) -> ProofLook:
    """Whether that version answers, from GetModelMetadata by number."""
    if isinstance(reply, bytes):
        found = _resolved(reply)
        if found == version:
            return ProofLook(model, version, answered=True)
        return ProofLook(model, version, answered=False, unseen=f"asked for version {version}, answered by {found}")
    if reply.code == Code.NOT_FOUND and _NOT_FOUND in reply.message:
        return ProofLook(model, version, answered=False)
    return ProofLook(model, version, answered=False, unseen=str(reply))


def reload(reply: Reply) -> Answer:
    """What came back from HandleReloadConfigRequest. What does not say that nothing was applied is NONE (rule E10)."""
    if isinstance(reply, bytes):
        return _reloaded(reply)
    message = reply.message[:MAX_TEXT]
    if reply.code == Code.UNKNOWN and _LOADS_FAILED in message:
        return Answer(AnswerKind.MODELS_FAILED, reply.code, message)
    if reply.code == Code.UNAVAILABLE and message.startswith(_NEVER_SENT):
        return Answer(AnswerKind.REFUSED, reply.code, f"not sent, there is no connection: {message}")
    if reply.code in (Code.CANCELLED, Code.UNKNOWN, Code.DEADLINE_EXCEEDED, Code.INTERNAL, Code.UNAVAILABLE):
        return Answer(AnswerKind.NONE, reply.code, message)
    return Answer(AnswerKind.REFUSED, reply.code, message)


def _as_serving(reply: bytes) -> Reach:
    try:
        get_model_status_pb2.GetModelStatusResponse.FromString(reply)
    except DecodeError as error:
        return Reach(ReachKind.NOT_SERVING, f"the answer is no GetModelStatusResponse: {error}")
    return Reach()


def _unavailable(reply: Failed) -> Reach:
    said, lowered = str(reply), reply.message.lower()
    if _NOT_HTTP2 in reply.message:
        return Reach(ReachKind.NOT_SERVING, f"it speaks no HTTP/2; is this the REST port? {said}")
    if any(text in lowered for text in _TLS):
        return Reach(ReachKind.REFUSING, f"TLS was turned down; see spec.connection.tls of the Fleet: {said}")
    if "socket closed" in lowered:
        said = f"it closed the connection at once; does it want TLS, or a client certificate? {said}"
    return Reach(ReachKind.UNREACHABLE, said)


def _entries(model: str, said: list[get_model_status_pb2.ModelVersionStatus]) -> ModelLook:
    entries: dict[int, StatusEntry] = {}
    for each in said:
        state = _STATES.get(each.state)
        if state is None:
            return ModelLook(model, unseen=f"version {each.version} is in state {each.state}, which is not known here")
        entries.setdefault(each.version, StatusEntry(each.version, state, _error(each)))
    descending = sorted(entries.values(), key=lambda each: -each.version)
    return ModelLook(model, tuple(descending[:MAX_ENTRIES]))


def _error(said: get_model_status_pb2.ModelVersionStatus) -> ServingError | None:
    if not said.status.error_code:
        return None
    return ServingError(int(said.status.error_code), said.status.error_message[:MAX_TEXT])


def _resolved(reply: bytes) -> int | None:
    try:
        spec = get_model_metadata_pb2.GetModelMetadataResponse.FromString(reply).model_spec
    except DecodeError:
        return None
    return int(spec.version.value) if spec.HasField("version") else None


def _reloaded(reply: bytes) -> Answer:
    try:
        status = model_management_pb2.ReloadConfigResponse.FromString(reply).status
    except DecodeError as error:
        return Answer(AnswerKind.NONE, int(Code.INTERNAL), f"the answer is no ReloadConfigResponse: {error}")
    if not status.error_code:
        return Answer(AnswerKind.ACCEPTED)
    message = status.error_message[:MAX_TEXT]
    failed = status.error_code == Code.UNKNOWN and _LOADS_FAILED in message
    return Answer(AnswerKind.MODELS_FAILED if failed else AnswerKind.REFUSED, int(status.error_code), message)
