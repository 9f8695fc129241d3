"""Commit status for the service: which host, which repository there, whose token; and the task that tells it.

Called by `run` and `service.py`, and imported only where somebody asks for it: off unless a token is given. The kind of
host, its API and the repository follow from the repository's address where that says enough; options say the rest. A
token goes over https only, or to this machine.
"""

import asyncio
import contextlib
import os
import random
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.adapters.clock import SystemClock
from reconciler.adapters.git_remote import redact
from reconciler.adapters.lock import StateDirectory
from reconciler.adapters.outbox import SqliteOutbox
from reconciler.adapters.status_host import HttpStatusHost
from reconciler.adapters.status_shapes import Place, Provider
from reconciler.cli.exits import Misused
from reconciler.cli.options import STATUS_TOKEN, StatusOptions
from reconciler.loop import Service
from reconciler.loop.reporting import Post, Reporting
from reconciler.loop.tools import Tools
from reconciler.source import InForce
from reconciler.state.desired import SecretRef
from reconciler.state.outcome import Status

_SCP_LIKE = re.compile(r"(?:[^/@]+@)?(?P<host>[^/:@]+):(?!//)(?P<path>.+)")
_INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_KNOWN = {"github.com": Provider.GITHUB, "gitlab.com": Provider.GITLAB, "codeberg.org": Provider.GITEA}
_BY_NAME = {
    "github": Provider.GITHUB,
    "gitlab": Provider.GITLAB,
    "gitea": Provider.GITEA,
    "forgejo": Provider.GITEA,
}
_API = {Provider.GITHUB: "/api/v3", Provider.GITLAB: "/api/v4", Provider.GITEA: "/api/v1"}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Reports:
    """Where reports go, and where the token for it is found."""

    place: Place
    token: SecretRef


def asked(options: StatusOptions, repository: str, environment: Mapping[str, str]) -> Reports | None:
    """Where reports go; None where nobody asked for any.

    Args:
        options: what was given.
        repository: the address of the desired-state repository.
        environment: where the token may be named.

    Raises:
        Misused: it cannot be told where to, or the token would go in the clear.
    """
    file = options.status_token_file
    token = SecretRef(from_file=str(file)) if file is not None else None
    if token is None and environment.get(STATUS_TOKEN):
        token = SecretRef(from_env=STATUS_TOKEN)
    if token is None:
        if options.status_provider or options.status_url:
            raise Misused(f"Commit status needs a token: give --status-token-file FILE, or set {STATUS_TOKEN}.")
        return None
    if not _INSTANCE.fullmatch(options.instance):
        raise Misused(f"--instance {options.instance!r} is no name: use letters, digits, '.', '_' and '-'.")
    host, path = _address(repository)
    provider = _provider(options, host)
    api = _api(options, provider, host)
    name = (options.status_repository or path).strip("/").removesuffix(".git")
    if not name or "/" not in name or ".." in name.split("/"):
        raise Misused(
            "It cannot be told which repository commit statuses belong to: give --status-repository OWNER/NAME."
        )
    return Reports(Place(provider, api, name, options.instance, _target(options)), token)


def _address(repository: str) -> tuple[str, str]:
    """Host and path of a repository's address; "" where it is on this machine."""
    parts = urlsplit(repository)
    if parts.scheme in ("http", "https", "ssh") and parts.hostname:
        return parts.hostname.lower(), parts.path
    found = _SCP_LIKE.fullmatch(repository)
    if found is not None and "://" not in repository and not Path(repository).exists():
        return found["host"].lower(), found["path"]
    return "", ""


def _provider(options: StatusOptions, host: str) -> Provider:
    if options.status_provider is not None:
        return Provider(options.status_provider.value)
    known = _KNOWN.get(host) or next((kind for name, kind in _BY_NAME.items() if name in host), None)
    if known is None:
        where = host or "a repository on this machine"
        raise Misused(f"It cannot be told what kind of host {where} is: give --status-provider github|gitlab|gitea.")
    return known


def _api(options: StatusOptions, provider: Provider, host: str) -> str:
    if options.status_url is None:
        if not host:
            raise Misused(
                "It cannot be told where commit statuses go: give --status-url, the address of the host's API."
            )
        return "https://api.github.com" if host == "github.com" else f"https://{host}{_API[provider]}"
    parts = urlsplit(options.status_url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and (parts.hostname or "") in _LOOPBACK)
    if not safe or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise Misused(
            f"--status-url {redact(options.status_url)} is not taken: give the https:// address of the host's API, "
            "without user or query; the token would be read on the way otherwise (http:// is for this machine only)."
        )
    return options.status_url.rstrip("/")


def _target(options: StatusOptions) -> str:
    target = options.status_target_url or ""
    if target and urlsplit(target).scheme not in ("http", "https"):
        raise Misused(f"--status-target-url {redact(target)} is no http address.")
    return target


@dataclass(frozen=True, slots=True)
class _Watched:
    """The service as `Reporting` sees it."""

    service: Service

    @property
    def found(self) -> InForce:
        return self.service.in_force

    def statuses(self) -> Mapping[str, Sequence[Status]]:
        return {server: lane.statuses for server, lane in self.service.lanes.lanes.items()}


@contextlib.asynccontextmanager
async def reporting(reports: Reports, service: Service, tools: Tools, state: Path) -> AsyncIterator[None]:
    """Report on the service as long as the context is open.

    Raises:
        RecordError: the outbox cannot be opened.
    """
    outbox = SqliteOutbox(StateDirectory(state).ledger)
    host = HttpStatusHost(reports.place, reports.token, SystemClock().now)
    post = Post(outbox, host, tools.clock, random.random, tools.tell, tools.offload)
    task = asyncio.create_task(Reporting(_Watched(service), post).run(), name="commit status")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await host.close()
        outbox.close()


def from_environment(options: StatusOptions, repository: str) -> Reports | None:
    """`asked`, with this process's environment."""
    return asked(options, repository, os.environ)
