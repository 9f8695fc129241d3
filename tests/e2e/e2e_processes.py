"""Processes for end-to-end tests: each in a group of its own, with what it wrote kept for a failing test to show."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from running_server import until

ROOT = Path(__file__).parents[2]
Line = dict[str, Any]
"""One line of the service's JSON log."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command that ended left behind."""

    code: int
    out: str
    said: str

    @property
    def document(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


def reconciler(*arguments: str, environment: Mapping[str, str] | None = None) -> Finished:
    """Run one command of the reconciler to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", *arguments],
        cwd=ROOT,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@dataclass(slots=True)
class Service:
    """A running `reconciler run`. Its log comes through a pipe, so that a full disk cannot stop it."""

    process: "subprocess.Popen[str]"
    lines: list[str] = field(default_factory=list)
    _reader: threading.Thread = field(init=False)

    @classmethod
    def start(cls, *arguments: str, environment: Mapping[str, str] | None = None) -> Self:
        """Start it with these options."""
        process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", "run", "--log-format", "json", *arguments],
            cwd=ROOT,
            env=os.environ | (environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return cls(process)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as out:
            for line in out:
                self.lines.append(line.rstrip("\n"))

    @property
    def log(self) -> list[Line]:
        """Every line that is JSON, oldest first."""
        found = []
        for line in list(self.lines):
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return found

    def wait_for(self, event: str, *, since: int = 0, nth: int = 1, **fields: str) -> Line:
        """The nth line with this sentence and these fields, among those after the first `since`."""

        def found() -> Line | None:
            assert self.process.poll() is None, f"the service ended with {self.process.returncode}"
            fitting = [line for line in self.log[since:] if line.items() >= ({"event": event} | fields).items()]
            return fitting[nth - 1] if len(fitting) >= nth else None

        line: Line = until(found, f"the service logs {event!r} {fields or ''}, the {nth}. time")
        return line

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self._signal(signal.SIGKILL)
        self.process.wait(10)
        self._reader.join(10)

    def stop(self) -> int:
        """SIGTERM; its exit code. Fails where it takes more than five seconds."""
        self._signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the service did not end within 5 s of SIGTERM") from None
        self._reader.join(10)
        return self.process.returncode

    def limit_files(self, size: int) -> None:
        """Let it write no file beyond that size, as on a full disk; -1 gives the room back."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def mapped(self) -> str:
        """What the process has mapped into its memory."""
        return Path(f"/proc/{self.process.pid}/maps").read_text()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
