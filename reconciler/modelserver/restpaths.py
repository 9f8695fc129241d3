"""Which REST call a verb and a request target are.

Here: how libevent splits a target (``split``), the two patterns of TensorFlow Serving and what they yield
(``understand``). Used by the REST front. Sources: ``evhttp_uri_parse_with_flags`` in libevent's ``http.c``,
``ParsedEvRequest::decode`` in ``util/net_http/server/internal/evhttp_request.cc``, ``ParseModelInfo`` in
``model_servers/http_rest_api_util.cc``. The query string belongs to the matched text, as in the real server:
``/v1/models/m?x=1`` names a model called ``m?x=1``.

Not here: what a call does, and everything outside ``/v1/``.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from reconciler.modelserver.statuses import StatusError, invalid_argument

_MODEL = r"(?:/([^/:]+))"
_CHOICE = r"(?:/versions/(\d+)|/labels/([^/:]+))?"
_INFERENCE = re.compile(rf"/v1/models{_MODEL}{_CHOICE}:(classify|regress|predict)", re.IGNORECASE | re.ASCII)
_LOOK = re.compile(rf"/v1/models{_MODEL}?{_CHOICE}(?:/(metadata))?", re.IGNORECASE | re.ASCII)
_MAX_VERSION = 2**63 - 1

_NAMED = r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
_REST = re.compile(
    rf"(?P<path>(?:{_NAMED}|[:@/])*)(?P<query>\?(?:{_NAMED}|[:@/?])*)?(?P<fragment>#(?:{_NAMED}|[:@/?])*)?"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AUTHORITY = re.compile(r"//([^/?#]*)")
_HOST_AND_PORT = re.compile(rf"(?:(?:{_NAMED}|:)*@)?(?P<host>{_NAMED}*|\[[^\]]+\])(?::(?P<port>\d*))?", re.ASCII)
_FUTURE_ADDRESS = re.compile(r"v[0-9A-Fa-f]+\.(?:[A-Za-z0-9._~!$&'()*+,;=:-])*")


@dataclass(frozen=True, slots=True)
class Target:
    """A request target, taken apart."""

    path: str
    full: str
    """Path, query and fragment: what the patterns see."""


@dataclass(frozen=True, slots=True)
class RestCall:
    """One understood call."""

    action: str
    """``status``, ``metadata``, ``predict``, ``classify`` or ``regress``."""
    model: str
    version: int | None
    label: str | None


def split(target: str) -> Target | None:
    """Path and query of a target, without scheme and authority; None if it is no URI by RFC 3986."""
    scheme = _SCHEME.match(target)
    rest = target[scheme.end() :] if scheme else target
    if authority := _AUTHORITY.match(rest):
        if not _is_authority(authority[1]):
            return None
        rest = rest[authority.end() :]
    parts = _REST.fullmatch(rest)
    if parts is None or (authority and parts["path"][:1] not in ("", "/")):
        return None
    if not scheme and ":" in parts["path"].partition("/")[0]:
        return None
    return Target(parts["path"], rest)


def _is_authority(text: str) -> bool:
    parts = _HOST_AND_PORT.fullmatch(text)
    if parts is None or int(parts["port"][:6] if parts["port"] else 0) > 65535:
        return False
    return not parts["host"].startswith("[") or _is_address(parts["host"][1:-1])


def _is_address(text: str) -> bool:
    if text.startswith("v"):
        return _FUTURE_ADDRESS.fullmatch(text) is not None
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


@dataclass(slots=True)
class Asked:
    """What is known of a request while it is understood; metrics name it so even when it is then refused."""

    model: str = ""
    method: str = ""


def understand(verb: str, path: str, asked: Asked | None = None) -> RestCall:
    """The call that verb and path (with query) mean, or the refusal the real server gives."""
    asked = asked or Asked()
    if verb == "POST" and (match := _INFERENCE.fullmatch(path)):
        model, version, label, asked.method = match.groups()
        asked.model = _decoded(model)
        call = RestCall(asked.method, asked.model, _version(version), label and _decoded(label))
        if call.action != call.action.lower():  # the pattern ignores case, the dispatch behind it does not
            raise malformed(verb, path)
        return call
    if verb == "GET" and (match := _LOOK.fullmatch(path)):
        model, version, label, resource = match.groups()
        asked.model = _decoded(model or "")
        action = "metadata" if resource == "metadata" else "status"  # METADATA fits the pattern, and means status
        call = RestCall(action, asked.model, _version(version), label and _decoded(label))
        if not model:
            raise invalid_argument("Missing model name in request.")
        return call
    raise malformed(verb, path)


def malformed(verb: str, path: str) -> StatusError:
    """The refusal of everything that is no call."""
    return invalid_argument(f"Malformed request: {verb} {path}")


def _version(digits: str | None) -> int | None:
    if digits is None:
        return None
    significant = digits.lstrip("0") or "0"
    if len(significant) > 19 or int(significant) > _MAX_VERSION:
        raise invalid_argument(f"Failed to convert version: {digits} to numeric.")
    return int(significant)


def _decoded(raw: str) -> str:
    """Percent signs decoded once; bytes that are no UTF-8 stay, as surrogate escapes."""
    return unquote_to_bytes(raw).decode("utf-8", "surrogateescape")
