"""Where the desired-state repository is and how to get in: values, without any connection.

Made by the compositions from flags and environment, used by `adapters/git*.py`. A URL can carry a password, so the URL
itself never appears in a repr, a message or a log: `GitRemote.name` is what is shown.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.state.desired import SecretRef

_USERINFO = re.compile(  # begins where a word does: a server's words may be very long, and every begin is a try
    r"(?<![a-z0-9+.-])(?P<scheme>[a-z0-9+.-]+)://(?P<info>[^/\s@]*(?:@[^/\s@]*)*)@(?=[^/\s]*)", re.IGNORECASE
)
_QUERY = re.compile(r"(?<=\?)[^\s'\"]+")
_SCP_LIKE = re.compile(r"(?:[^/:@\s]+@)?[^/:@\s]+:(?!//).+")
_SCHEMES = ("file", "https", "http", "ssh")
_ENVIRONMENT = "RECONCILER_GIT_"


def redact(text: str) -> str:
    """The text with every password and token in a URL taken out; the user name of an ssh URL stays."""

    def without_secret(found: re.Match[str]) -> str:
        user = found["info"].partition(":")[0]
        shown = user if found["scheme"].lower() == "ssh" else "***"
        return f"{found['scheme']}://{shown}@"

    return _QUERY.sub("***", _USERINFO.sub(without_secret, text))


@dataclass(frozen=True, slots=True)
class GitCredentials:
    """How to prove who we are to a git host; the secrets themselves are read when they are asked for.

    username, token: for https. ssh_key: path of a private key for ssh, with `ssh_passphrase` where it has one; without
    a key the ssh agent is asked. ca_file: certificates to trust for https besides the system's (the whole process).
    """

    username: str | None = None
    token: SecretRef | None = None
    ssh_key: str | None = None
    ssh_passphrase: SecretRef | None = None
    ca_file: str | None = None

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> "GitCredentials":
        """What the variables RECONCILER_GIT_USERNAME, _TOKEN, _TOKEN_FILE, _SSH_KEY, … name."""

        def secret(name: str) -> SecretRef | None:
            if file := environment.get(f"{_ENVIRONMENT}{name}_FILE"):
                return SecretRef(from_file=file)
            variable = _ENVIRONMENT + name
            return SecretRef(from_env=variable) if environment.get(variable) else None

        return GitCredentials(
            username=environment.get(_ENVIRONMENT + "USERNAME"),
            token=secret("TOKEN"),
            ssh_key=environment.get(_ENVIRONMENT + "SSH_KEY"),
            ssh_passphrase=secret("SSH_PASSPHRASE"),
            ca_file=environment.get(_ENVIRONMENT + "CA_FILE"),
        )


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a git host may take, in seconds: to connect, between two signs of life, and for a fetch in all."""

    connect: float = 10.0
    answer: float = 30.0
    fetch: float = 600.0


@dataclass(frozen=True, slots=True)
class GitRemote:
    """One branch of one repository. `url`: https, ssh, scp-like (`git@host:team/repo`), file, http, or a local path.

    Raises ValueError for any other URL, and for a branch name that git would not take.
    """

    url: str = field(repr=False)
    branch: str = "main"
    credentials: GitCredentials = GitCredentials()
    patience: Patience = Patience()

    def __post_init__(self) -> None:
        scheme, found, _ = self.url.partition("://")
        if found and scheme.lower() not in _SCHEMES:
            raise ValueError(
                f"{self.name} cannot be followed: {scheme}:// is not supported. "
                "Use https://, ssh://, git@host:path, file:// or a path"
            )
        if not self.url.strip() or self.url.startswith("-"):
            raise ValueError("The repository's address is empty or no address. Use a URL or a path")
        if (
            not self.branch
            or self.branch.startswith(("-", "refs/"))
            or re.search(r"[\s~^:?*\[\\]|\.\.|@\{", self.branch)
        ):
            raise ValueError(f"{self.branch!r} is no branch name. Give it as `git branch` shows it, such as main")

    @property
    def name(self) -> str:
        """The URL as it may be shown: without password, token or query."""
        return redact(self.url)

    @property
    def folder(self) -> Path | None:
        """The repository's folder where it is on this machine, None where it is reached over a network."""
        if self.url.startswith("file://"):
            return Path(self.url.removeprefix("file://"))
        if "://" in self.url or (_SCP_LIKE.fullmatch(self.url) and not Path(self.url).exists()):
            return None
        return Path(self.url).expanduser().absolute()

    @property
    def address(self) -> str:
        """What is given to libgit2: the URL, or a local folder's absolute path."""
        folder = self.folder
        return self.url if folder is None or self.url.startswith("file://") else str(folder)

    @property
    def ref(self) -> str:
        """The full name of the branch's ref."""
        # One and the same string at every call: pygit2 keeps hold of each name it looks up (1.21), poll by poll.
        return sys.intern(f"refs/heads/{self.branch}")
