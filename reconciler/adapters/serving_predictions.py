"""What GetModelMetadata and Predict mean for a check: bytes and status codes → the values of `state/inference.py`.

Used by `serving.py` only; no I/O. Which codes speak of the version and which of the way to it is decided here: an
error that comes from the graph or the request is the version's own answer, everything else is no answer. INTERNAL,
UNKNOWN and RESOURCE_EXHAUSTED may be a GPU that is full at this moment, so they say nothing either.
"""

from google.protobuf.message import DecodeError

from reconciler.adapters.serving_answers import MAX_TEXT, Code, Failed, Reply
from reconciler.state.inference import Heard, Prediction, Question, Signatures
from reconciler.wire import exports, tensors
from reconciler.wire.pruning import MalformedError
from reconciler.wire.stubs import get_model_metadata_pb2, predict_pb2

_NOT_LOADED = "Servable not found for request"
_OWN_ANSWERS = frozenset(
    {Code.INVALID_ARGUMENT, Code.NOT_FOUND, Code.FAILED_PRECONDITION, Code.OUT_OF_RANGE, Code.UNIMPLEMENTED}
    | {Code.DATA_LOSS}
)


def request(question: Question) -> bytes:
    """The Predict that asks it."""
    message = predict_pb2.PredictRequest()
    message.model_spec.name, message.model_spec.version.value = question.model, question.version
    message.model_spec.signature_name = question.signature
    for alias, tensor in question.inputs:
        message.inputs[alias].CopyFrom(tensors.to_proto(tensor))
    return bytes(message.SerializeToString())


def prediction(version: int, reply: Reply, seconds: float) -> Prediction:
    """The answer of that version to a Predict that took so long."""
    if isinstance(reply, Failed):
        return Prediction(heard(reply), seconds=seconds, detail=str(reply))
    try:
        message = predict_pb2.PredictResponse.FromString(reply)
    except DecodeError as error:
        return Prediction(Heard.LOST, seconds=seconds, detail=f"the answer is no PredictResponse: {error}")
    answered_by = int(message.model_spec.version.value)
    if answered_by != version:
        return Prediction(Heard.LOST, seconds=seconds, detail=f"asked for version {version}, answered by {answered_by}")
    outputs = []
    for alias in sorted(message.outputs):
        try:
            outputs.append((alias, tensors.from_proto(message.outputs[alias])))
        except tensors.UnreadableTensor as error:
            return Prediction(Heard.REFUSED, seconds=seconds, detail=f"output {alias[:80]} cannot be compared: {error}")
    return Prediction(Heard.ANSWERED, tuple(outputs), seconds)


def signatures(reply: Reply) -> Signatures:
    """What a version says of itself."""
    if isinstance(reply, Failed):
        return Signatures(heard(reply), detail=str(reply))
    found = get_model_metadata_pb2.SignatureDefMap()
    try:
        message = get_model_metadata_pb2.GetModelMetadataResponse.FromString(reply)
        if not message.metadata["signature_def"].Unpack(found):
            return Signatures(Heard.LOST, detail="the answer holds no signatures")
        known = exports.signatures(found.signature_def)
    except (DecodeError, MalformedError) as error:
        return Signatures(Heard.LOST, detail=f"the answer holds no signatures: {error}")
    return Signatures(Heard.ANSWERED, known)


def heard(failed: Failed) -> Heard:
    """Whom an error speaks of."""
    if failed.code == Code.DEADLINE_EXCEEDED:
        return Heard.LATE
    if failed.code == Code.NOT_FOUND and failed.message[:MAX_TEXT].startswith(_NOT_LOADED):
        return Heard.LOST
    return Heard.REFUSED if failed.code in _OWN_ANSWERS else Heard.LOST
