"""Signatures of commits that are made here, by the tools that git itself uses: `ssh-keygen -Y sign` and `gpg`.

Used by `adapters/git_writer.py`. The key is a reference, a file or a key id; its secret never passes through here. No
shell, a deadline, and no question to a person: a key that wants a passphrase needs an agent.
"""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.errors import RevisionRefused

SECONDS = 30.0
"""How long a signature may take; a key on a token that waits for a finger is given up after that."""

_FORMATS = ("ssh", "openpgp")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Which key signs.

    format: `ssh` with the path of a private key (or of a public one that an agent holds), or `openpgp` with what gpg
    knows the key by. Raises ValueError for another format, and for a key that a tool would take for an option.
    """

    key: str
    format: str = "ssh"

    def __post_init__(self) -> None:
        if self.format not in _FORMATS:
            raise ValueError(f"{self.format!r} is no format of signatures. Give one of: {', '.join(_FORMATS)}")
        if not self.key or self.key.startswith("-") or not self.key.isprintable():
            raise ValueError(f"{self.key!r} names no key. Give the path of an ssh key, or what gpg knows a key by")

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> "SigningKey | None":
        """What RECONCILER_GIT_SIGNING_KEY and RECONCILER_GIT_SIGNING_FORMAT name; None where nothing signs."""
        key = environment.get("RECONCILER_GIT_SIGNING_KEY")
        return SigningKey(key, environment.get("RECONCILER_GIT_SIGNING_FORMAT") or "ssh") if key else None

    @property
    def command(self) -> list[str]:
        """What is run, with the commit on its standard input."""
        if self.format == "ssh":
            return ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", os.path.expanduser(self.key)]  # noqa: PTH111
        return ["gpg", "--batch", "--no-tty", "--armor", "--detach-sign", "--local-user", self.key, "--output", "-"]


def sign(key: SigningKey, content: str) -> str:
    """The armoured signature of a commit's content.

    Raises:
        RevisionRefused: the tool is missing, does not end, or says no; with its words.
    """
    quiet = {"SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603 - a list, no shell, and no argument that could be an option
            key.command,
            input=content.encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env={**os.environ, **quiet},
        )
    except FileNotFoundError as error:
        raise _refused(key, f"{key.command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise _refused(key, f"{key.command[0]} did not end within {SECONDS:g} s") from error
    signature = done.stdout.decode(errors="replace").strip()
    if done.returncode != 0 or not signature.startswith("-----BEGIN "):
        words = " ".join(done.stderr.decode(errors="replace").split())[-500:] or f"exit code {done.returncode}"
        raise _refused(key, words)
    return signature


def _refused(key: SigningKey, why: str) -> RevisionRefused:
    return RevisionRefused(
        f"The commit could not be signed with the {key.format} key {key.key}, so it was not made: {why}. To do: check "
        "RECONCILER_GIT_SIGNING_KEY and that this user may use the key without being asked (an agent for a passphrase)."
    )
