"""How the server says no: the core's statuses as errors, and their gRPC and HTTP faces.

Here: the error every front turns into an answer, the cut of long texts, the HTTP table. Used by all of the server
outside the core. Not here: the texts themselves; each stands where its check is.
"""

from reconciler.modelserver.core import Code, Status

__all__ = ["Code", "Status", "StatusError", "cut", "http_status", "invalid_argument"]

LONGEST_MESSAGE = 1024  # bytes; TensorFlow Serving cuts RPC error texts here, the full text stays in GetModelStatus


class StatusError(Exception):
    """A request, a load or a start that is refused, in TensorFlow's words."""

    def __init__(self, code: Code, text: str) -> None:
        self.status = Status(code, text)
        super().__init__(str(self.status))


def invalid_argument(text: str) -> StatusError:
    """The refusal that most checks of a request end in."""
    return StatusError(Code.INVALID_ARGUMENT, text)


def cut(text: str) -> str:
    """The text as an RPC error carries it (``grpc_status_util.cc``).

    Bytes are counted there. What is left of a character cut in two is sent as U+FFFD here: clients show it as that.
    """
    raw = text.encode("utf-8", "surrogateescape")
    return text if len(raw) <= LONGEST_MESSAGE else f"{raw[:LONGEST_MESSAGE].decode('utf-8', 'replace')}...TRUNCATED"


_HTTP = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}


def http_status(code: Code) -> int:
    """The HTTP status of the REST front for a code."""
    return _HTTP[code]
