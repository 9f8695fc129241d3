"""Which REST call a verb and a path are.

Here: the two patterns of TensorFlow Serving, and what they yield. Used by the REST front. The query string belongs to
the matched text, as in the real server: ``/v1/models/m?x=1`` names a model called ``m?x=1``.

Not here: what a call does, and everything outside ``/v1/``.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from reconciler.modelserver.statuses import StatusError, invalid_argument

_MODEL = r"(?:/([^/:]+))"
_CHOICE = r"(?:/versions/(\d+)|/labels/([^/:]+))?"
_INFERENCE = re.compile(rf"/v1/models{_MODEL}{_CHOICE}:(classify|regress|predict)", re.IGNORECASE | re.ASCII)
_LOOK = re.compile(rf"/v1/models{_MODEL}?{_CHOICE}(?:/(metadata))?", re.IGNORECASE | re.ASCII)
_MAX_VERSION = 2**63 - 1


@dataclass(frozen=True, slots=True)
class RestCall:
    """One understood call."""

    action: str
    """``status``, ``metadata``, ``predict``, ``classify`` or ``regress``."""
    model: str
    version: int | None
    label: str | None


def understand(verb: str, path: str) -> RestCall:
    """The call that verb and raw path (with query) mean, or the refusal the real server gives."""
    if verb == "POST" and (match := _INFERENCE.fullmatch(path)):
        model, version, label, action = match.groups()
        if action != action.lower():  # the pattern ignores case, the dispatch behind it does not
            raise malformed(verb, path)
        return RestCall(action, unquote(model), _version(version), _label(label))
    if verb == "GET" and (match := _LOOK.fullmatch(path)):
        model, version, label, metadata = match.groups()
        if not model:
            raise invalid_argument("Missing model name in request.")
        return RestCall("metadata" if metadata else "status", unquote(model), _version(version), _label(label))
    raise malformed(verb, path)


def malformed(verb: str, path: str) -> StatusError:
    """The refusal of everything that is no call."""
    return invalid_argument(f"Malformed request: {verb} {path}")


def _version(digits: str | None) -> int | None:
    if digits is None:
        return None
    if int(digits) > _MAX_VERSION:
        raise invalid_argument(f"Failed to convert version: {digits} to numeric.")
    return int(digits)


def _label(raw: str | None) -> str | None:
    return None if raw is None else unquote(raw)
