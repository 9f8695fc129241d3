"""How another process asks something of the running service: a file in the state directory.

`sync`, `retry` and `rollback --local` write it, `run` looks at it four times a second. A file needs no port and no
socket path limit, whoever may write the state directory may ask, and a request made while nobody runs is the first
thing the next service does. The request has an identity, and the service notes which one it has taken up: none is taken
twice. A request that comes while another waits is written after that one was taken up, or after a short while in its
place.
"""

import json
import os
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from reconciler.state.pin import Pin

HANDLED = "sync-handled"
"""The note in which the service keeps the identity of the request it took up last."""

ANSWER = "sync-answer"
"""The note with what the service has to say of it: for `retry`, what is tried anew, separated by spaces."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: look now; with `retry`, try what that name is about anew; take up pins, or end those of models."""

    identity: str
    retry: str = ""
    pins: tuple[Pin, ...] = ()
    unpin: tuple[str, ...] = ()


class SyncFile:
    """The request file of one state directory."""

    def __init__(self, state: Path) -> None:
        self.path = state / "sync-request"
        self._seen = 0

    def ask(self, retry: str = "", *, pins: Iterable[Pin] = (), unpin: Iterable[str] = ()) -> str:
        """Write a request and return its identity. Raises OSError."""
        identity = uuid.uuid4().hex
        said = {"id": identity, "retry": retry, "pins": [asdict(pin) for pin in pins], "unpin": [*unpin]}
        scratch = self.path.with_name(f".{self.path.name}.{identity}")
        scratch.write_text(json.dumps(said))
        scratch.replace(self.path)
        return identity

    def asked(self) -> Request | None:
        """A request written since this was last asked, None where there is none."""
        try:
            changed = os.stat(self.path).st_mtime_ns  # noqa: PTH116 - four times a second for ever: the cheap call
            if changed == self._seen:
                return None
            self._seen = changed
            written = json.loads(self.path.read_text())
            pins = tuple(Pin.read(each) for each in written.get("pins", ()))
            unpin = tuple(str(each) for each in written.get("unpin", ()))
            return Request(str(written["id"]), str(written.get("retry", "")), pins, unpin)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
