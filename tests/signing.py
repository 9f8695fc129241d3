"""Real keys and real signatures for tests: SSH by ssh-keygen, OpenPGP by gpg, commits signed with either."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pygit2
import pytest
from repositories import Content, Repository

Sign = Callable[[bytes], str]
"""Makes an armoured signature of a commit's payload."""


@dataclass(frozen=True, slots=True)
class SshKey:
    """A private key file with its public half beside it."""

    path: Path

    @property
    def public(self) -> str:
        """Kind and key, as a line of allowed signers ends."""
        return " ".join(self.path.with_suffix(".pub").read_text().split()[:2])

    @property
    def fingerprint(self) -> str:
        return subprocess.run(
            ["ssh-keygen", "-l", "-f", str(self.path)], check=True, capture_output=True, text=True
        ).stdout.split()[1]

    def sign(self, payload: bytes, namespace: str = "git") -> str:
        command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(self.path), "-n", namespace]
        return subprocess.run(command, input=payload, check=True, capture_output=True).stdout.decode()


def _needs(tool: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")


def ssh_key(folder: Path, name: str, kind: str = "ed25519") -> SshKey:
    _needs("ssh-keygen")
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", str(path)], check=True)
    return SshKey(path)


@dataclass(frozen=True, slots=True)
class Gnupg:
    """A home folder of gpg with private keys, as people have one."""

    home: Path

    def call(self, *arguments: str, given: bytes = b"", at: str = "") -> bytes:
        """Call gpg; `at`: as if it were that moment (`20200101T000000`)."""
        time = ["--faked-system-time", at] if at else []
        quiet = ["--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""]
        command = ["gpg", "--homedir", str(self.home), *quiet, *time, *arguments]
        return subprocess.run(command, input=given, check=True, capture_output=True).stdout

    def make(self, name: str, lasts: str = "never", at: str = "") -> str:
        """A new key; its fingerprint."""
        self.call("--quick-generate-key", f"{name} <{name}@example.org>", "ed25519", "sign", lasts, at=at)
        listed = self.call("--with-colons", "--list-keys", f"{name}@example.org").decode()
        return next(line for line in listed.splitlines() if line.startswith("fpr")).split(":")[9]

    def sign(self, key: str, payload: bytes, at: str = "", how: str = "--detach-sign") -> str:
        return self.call("--local-user", key, "--armor", how, given=payload, at=at).decode()

    def export(self, key: str) -> bytes:
        """The public key, as it would be put into a keyring file."""
        return self.call("--armor", "--export", key)

    def revoke(self, key: str) -> None:
        """Revoke a key with the certificate that gpg made together with it."""
        certificate = (self.home / "openpgp-revocs.d" / f"{key}.rev").read_bytes()
        self.call("--import", given=certificate.replace(b":-----BEGIN", b"-----BEGIN"))


@contextmanager
def gnupg() -> Iterator[Gnupg]:
    """A home folder under a short path, because the agent's socket lies in it; the agent ends with it."""
    _needs("gpg")
    home = Path(tempfile.mkdtemp(prefix="gpg-"))
    try:
        yield Gnupg(home)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)


def commit_signed(
    repository: Repository, files: Mapping[str, Content], sign: Sign, message: str = "Change something", at: int = 0
) -> str:
    """A commit on main with these files, signed; `at`: its time, the repository's own clock where 0."""
    raw = payload(repository, files, message, at)
    made = repository.git.create_commit_with_signature(raw.decode(), sign(raw), "gpgsig")
    repository.move("main", str(made))
    return str(made)


def payload(repository: Repository, files: Mapping[str, Content], message: str = "Change", at: int = 0) -> bytes:
    """The bytes of a commit on top of main, before it is signed."""
    head = repository.git.references.get("refs/heads/main")
    repository._now += 60
    who = pygit2.Signature("Ada", "ada@example.org", at or repository._now, 0)
    parents = [head.target] if head else []
    text = repository.git.create_commit_string(who, who, message, repository.tree(files), parents)
    return str(text).encode()


def commit_raw(repository: Repository, raw: bytes) -> str:
    """Any bytes at all as a commit at the head of main."""
    made = str(repository.git.odb.write(pygit2.enums.ObjectType.COMMIT, raw))
    repository.move("main", made)
    return made


def with_header(raw: bytes, name: str, value: str) -> bytes:
    """A commit's bytes with one more header, folded as git folds it."""
    head, _, message = raw.partition(b"\n\n")
    folded = value.rstrip("\n").replace("\n", "\n ")
    return head + f"\n{name} {folded}".encode() + b"\n\n" + message
