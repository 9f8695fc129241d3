"""How another process asks the running service to look now: a file in the state directory.

`sync` writes it, `run` looks at it four times a second. A file needs no port and no socket path limit, whoever may
write the state directory may ask, and a request made while nobody runs is the first thing the next service does. The
request has an identity, and the service notes which one it has taken up: no request is lost, none is taken twice.
"""

import json
import os
import uuid
from pathlib import Path

HANDLED = "sync-handled"
"""The note in which the service keeps the identity of the request it took up last."""


class SyncFile:
    """The request file of one state directory."""

    def __init__(self, state: Path) -> None:
        self.path = state / "sync-request"
        self._seen = 0

    def ask(self) -> str:
        """Write a request and return its identity. Raises OSError."""
        identity = uuid.uuid4().hex
        scratch = self.path.with_name(f".{self.path.name}.{identity}")
        scratch.write_text(json.dumps({"id": identity}))
        scratch.replace(self.path)
        return identity

    def asked(self) -> str | None:
        """The identity of a request written since this was last asked, None where there is none."""
        try:
            changed = os.stat(self.path).st_mtime_ns  # noqa: PTH116 - four times a second for ever: the cheap call
            if changed == self._seen:
                return None
            self._seen = changed
            return str(json.loads(self.path.read_text())["id"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
