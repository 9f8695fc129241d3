"""One connection to a git host: who is there, who we are, what its branches point at, and a fetch where one is needed.

Used by `adapters/git.py`. Every failure leaves as SourceUnavailable with the cause and what to do, without a secret in
it. libgit2 accepts *any* ssh host when it is not told otherwise, so `certificate_check` decides here: only hosts in
known_hosts, only certificates that verify.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pygit2
from pygit2.enums import CredentialType
from pygit2.remotes import TransferProgress

from reconciler.adapters.git_remote import GitRemote, redact
from reconciler.adapters.secret import SecretMissing, read_secret
from reconciler.errors import SourceUnavailable

OBJECT_CACHE = 8 * 2**20
"""Bytes of objects that libgit2 keeps in memory; it would take 256 MiB, and the service has 80 MB in all."""

_KEPT = "The mirror is unchanged; what is in force stays in force and is kept healed."
_Credential = pygit2.Username | pygit2.UserPass | pygit2.Keypair


@dataclass(frozen=True, slots=True)
class Session:
    """An open connection. `heads`: every ref the host advertised, by full name; `default`: the branch HEAD names."""

    remote: pygit2.Remote
    heads: dict[str, str]
    default: str | None
    guard: "Guard"

    @property
    def branches(self) -> list[str]:
        """The branches that exist, ascending."""
        return sorted(name.removeprefix("refs/heads/") for name in self.heads if name.startswith("refs/heads/"))

    def fetch(self, source: str, target: str) -> None:
        """Bring what a ref of the host points at, with its history, into a ref of the mirror."""
        self.guard.begin_fetch()
        self.remote.fetch([f"+{source}:{target}"], callbacks=self.guard, proxy=True)


@contextmanager
def connected(mirror: pygit2.Repository, remote: GitRemote) -> Iterator[Session]:
    """Connect and read the advertisement once; a fetch in the body uses the same connection.

    Raises:
        SourceUnavailable: no connection, no answer in time, credentials or host not accepted, or no repository there.
    """
    guard = Guard(remote)
    try:
        _apply_settings(remote)
        _require_folder(remote)
        connection = mirror.remotes.create_anonymous(remote.address)
        connection.connect(callbacks=guard, proxy=True)
        heads = connection.list_heads(connect=False)
        default = next((head.symref_target for head in heads if head.name == "HEAD"), None)
        yield Session(connection, {str(head.name): str(head.oid) for head in heads}, default, guard)
    except (pygit2.GitError, OSError, ValueError) as error:
        raise _unavailable(remote, mirror.path, error) from None  # the cause's own text may hold what ours leaves out


def _apply_settings(remote: GitRemote) -> None:
    """libgit2 keeps these for the whole process; set before each connection so that the latest remote's hold."""
    pygit2.settings.server_connect_timeout = max(1, int(remote.patience.connect * 1000))
    pygit2.settings.server_timeout = max(1, int(remote.patience.answer * 1000))
    pygit2.settings.enable_fsync_gitdir(True)
    pygit2.settings.cache_max_size(OBJECT_CACHE)
    if remote.credentials.ca_file:
        try:
            pygit2.settings.set_ssl_cert_locations(remote.credentials.ca_file, None)
        except (pygit2.GitError, OSError) as error:
            raise SourceUnavailable(
                f"The CA file {remote.credentials.ca_file} for {remote.name} cannot be used: {error}. {_KEPT} "
                "Give a readable file of PEM certificates."
            ) from None


def _require_folder(remote: GitRemote) -> None:
    folder = remote.folder
    if folder is not None and not folder.is_dir():
        raise SourceUnavailable(
            f"The repository {remote.name} does not answer: there is no directory {folder}. {_KEPT} "
            "Check the path, and whether the filesystem that holds it is mounted."
        )


class Guard(pygit2.RemoteCallbacks):
    """What libgit2 asks while it talks to a host: credentials, whether to trust it, and whether to go on."""

    def __init__(self, remote: GitRemote) -> None:
        super().__init__()
        self._target = remote
        self._given: set[CredentialType] = set()
        self._until = float("inf")

    def begin_fetch(self) -> None:
        """From now on the fetch has `patience.fetch` seconds in all, however lively the host is."""
        self._until = time.monotonic() + self._target.patience.fetch

    def transfer_progress(self, stats: TransferProgress) -> None:
        """Stop a fetch that takes longer than it may."""
        if time.monotonic() > self._until:
            raise SourceUnavailable(
                f"Fetching from {self._target.name} took longer than {self._target.patience.fetch:g} s and was "
                f"stopped after {stats.received_objects} of {stats.total_objects} objects. {_KEPT} "
                "Check the network to the git host, or allow more time."
            )

    def certificate_check(self, certificate: None, valid: bool, host: bytes | str) -> bool:
        """Trust only what was verified: a certificate chain for https, an entry in known_hosts for ssh."""
        if valid:
            return True
        name = host.decode(errors="replace") if isinstance(host, bytes) else host
        if self._target.url.lower().startswith("https:"):
            advice = (
                "Check the host's name and clock; for a private authority name its CA file (RECONCILER_GIT_CA_FILE)"
            )
            raise SourceUnavailable(f"The certificate of {name} could not be verified. {_KEPT} {advice}.")
        raise SourceUnavailable(
            f"The ssh host {name} is not in ~/.ssh/known_hosts of this user, or has another key there. {_KEPT} "
            f"Take its key with `ssh-keyscan {self._port()}{name}`, compare the fingerprint with the one its operator "
            "publishes, and add the line to known_hosts. Where another key is there already, ask why first."
        )

    def credentials(self, url: str, username_from_url: str | None, allowed_types: CredentialType) -> _Credential:
        """Answer the host's question who we are, each kind once: asked again means refused."""
        own, user = self._target.credentials, username_from_url or self._target.credentials.username or "git"
        self._same_host(url)
        if allowed_types & CredentialType.USERNAME:
            return pygit2.Username(user)
        kind = allowed_types & (CredentialType.SSH_KEY | CredentialType.USERPASS_PLAINTEXT)
        if kind in self._given:
            raise SourceUnavailable(self._refused())
        self._given.add(kind)
        try:
            if allowed_types & CredentialType.SSH_KEY:
                return self._key(user)
            if allowed_types & CredentialType.USERPASS_PLAINTEXT and own.token is not None:
                return pygit2.UserPass(own.username or user, self._token(url))
        except SecretMissing as error:
            raise SourceUnavailable(f"{error}, and {self._target.name} asks for it. {_KEPT}") from None
        raise SourceUnavailable(
            f"{self._target.name} asks for credentials and none are configured. {_KEPT} For https set "
            "RECONCILER_GIT_TOKEN or RECONCILER_GIT_TOKEN_FILE; or check that the repository exists, because hosts "
            "answer the same for one that does not."
        )

    def _refused(self) -> str:
        own = self._target.credentials
        if self._target.url.lower().startswith("http"):
            return (
                f"{self._target.name} refused the token. {_KEPT} Check that it has not expired, may read this "
                "repository, and that RECONCILER_GIT_USERNAME is what the host expects beside a token."
            )
        if own.ssh_key:
            return f"{self._target.name} refused the key {own.ssh_key}. {_KEPT} Give this key access to the repository."
        return (
            f"{self._target.name} accepted no key of the ssh agent. {_KEPT} Check that an agent runs for this user "
            "(SSH_AUTH_SOCK, `ssh-add -l`), or name a private key with RECONCILER_GIT_SSH_KEY."
        )

    def _same_host(self, url: str) -> None:
        """A redirect must not carry a secret to another host."""
        asked, known = urlsplit(url), urlsplit(self._target.url)
        if known.scheme in {"http", "https"} and (asked.scheme, asked.hostname) != (known.scheme, known.hostname):
            raise SourceUnavailable(
                f"{self._target.name} redirects to {asked.scheme}://{asked.hostname}, which asks for credentials; none "
                f"were sent. {_KEPT} If the repository has moved, configure its new address."
            )

    def _port(self) -> str:
        port = urlsplit(self._target.url).port if "://" in self._target.url else None
        return f"-p {port} " if port else ""

    def _token(self, url: str) -> str:
        if urlsplit(url).scheme == "http":
            raise SourceUnavailable(
                f"{self._target.name} asks for credentials over plain http; none were sent. {_KEPT} Use https."
            )
        token = self._target.credentials.token
        return read_secret(token) if token else ""

    def _key(self, user: str) -> pygit2.Keypair:
        own = self._target.credentials
        if own.ssh_key is None:
            return pygit2.KeypairFromAgent(user)
        passphrase = read_secret(own.ssh_passphrase) if own.ssh_passphrase else ""
        return pygit2.Keypair(user, None, own.ssh_key, passphrase)


_CAUSES: tuple[tuple[str, str], ...] = (
    (
        "not owned by current user",
        "Git does not trust a repository that belongs to another user. Allow this one, as the user that runs the "
        "reconciler: `git config --global --add safe.directory {folder}`",
    ),
    (
        "timed out",
        "The host took the connection but said nothing in time, or lets no connection through. Check the host, and "
        "firewalls on the way",
    ),
    (
        "private key file",
        "Check the key file that RECONCILER_GIT_SSH_KEY names: it must exist, be readable by this user, be a private "
        "key in OpenSSH or PEM form, and fit the passphrase in RECONCILER_GIT_SSH_PASSPHRASE",
    ),
    (
        "ssh agent|agent identit|SSH session",
        "Check that an ssh agent runs (SSH_AUTH_SOCK) and holds a key, or name a private key with "
        "RECONCILER_GIT_SSH_KEY and its passphrase with RECONCILER_GIT_SSH_PASSPHRASE",
    ),
    ("known_hosts|hostkey", "Check ~/.ssh/known_hosts of this user: it must be readable and name the host"),
    ("certificate", "Check the host's name and clock; name a private authority with RECONCILER_GIT_CA_FILE"),
    (
        "status code: 40[134]|find repository|resolve path|too many redirects",
        "Check that the repository exists and that the credentials may read it; hosts answer alike for both",
    ),
    ("No space left|quota", "The disk that holds the mirror {mirror} is full: free space"),
    ("resolve address|connect|refused|socket|EOF", "Check that the host is up and can be reached from this machine"),
    (
        "object|pack|loose|inflate|zlib",
        "One of the two repositories may be damaged. Delete the mirror {mirror}, it is a cache; if that does not help, "
        "run `git fsck` in the repository itself",
    ),
)


def _unavailable(remote: GitRemote, mirror: str, error: Exception) -> SourceUnavailable:
    cause = redact(str(error)).strip("'\"").rstrip(".")
    advice = next((text for pattern, text in _CAUSES if re.search(pattern, cause, re.IGNORECASE)), "Check the git host")
    what = advice.format(folder=remote.folder, mirror=mirror)
    return SourceUnavailable(f"Following {remote.name} failed: {cause}. {_KEPT} {what}.")
