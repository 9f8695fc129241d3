"""Running the programs that check signatures: no shell, no terminal, no settings of the user, and never for long.

Used by `adapters/signatures*.py`. What comes from a repository goes to them as bytes in files and pipes; arguments are
constants, paths that we chose, and names out of the operator's own files.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

PATIENCE = 20.0
"""Seconds that one call may take; they take some milliseconds."""

INSTALL = {
    "ssh-keygen": "Install OpenSSH 8.8 or newer (Debian, Ubuntu: `apt install openssh-client`; Fedora: "
    "`dnf install openssh`; Alpine: `apk add openssh-keygen`)",
    "gpg": "Install GnuPG 2.2 or newer (Debian, Ubuntu: `apt install gpg`; Fedora: `dnf install gnupg2`; "
    "Alpine: `apk add gnupg`)",
}


class ToolMissing(Exception):
    """The program is not on this machine; the text says what to install."""


class ToolFailed(Exception):
    """The program did not answer in time, or cannot do what is asked."""


@dataclass(frozen=True, slots=True)
class Said:
    """How a call ended."""

    code: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        """Whether it ended with 0."""
        return self.code == 0

    @property
    def complaint(self) -> str:
        """What it said of its own accord, on one line and not too long."""
        return " ".join((self.err or self.out).split())[:500]


def missing(tool: str) -> str:
    """What to install, "" where the program is there."""
    if shutil.which(tool) is not None:
        return ""
    return f"The program {tool} is not installed, or not in PATH. {INSTALL[tool]}."


def run(tool: str, arguments: Sequence[str], given: bytes = b"", patience: float = PATIENCE) -> Said:
    """Call one of the programs.

    Args:
        tool: its name, looked for in PATH at every call, so that one installed later is found.
        arguments: handed over as they are.
        given: its standard input.
        patience: seconds until it is killed.

    Raises:
        ToolMissing: it is not there.
        ToolFailed: it did not end in time, or could not be started.
    """
    path = shutil.which(tool)
    if path is None:
        raise ToolMissing(missing(tool))
    # UTC: `valid-before="20270101"` in a file of allowed signers must not mean another day on another machine.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    try:
        done = subprocess.run(  # noqa: S603 - no shell; see the module's text for what the arguments are
            [path, *arguments], input=given, env=environment, capture_output=True, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ToolFailed(f"{path} did not end within {patience:g} s and was stopped. It is asked again.") from error
    except OSError as error:
        raise ToolFailed(f"{path} could not be started: {error.strerror}.") from error
    return Said(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
