"""Commit statuses over HTTP, to GitHub, GitLab or Gitea (`loop.outbox.StatusHost`), with httpx.

httpx is imported at the first post, in a thread: a service that reports to nobody never pays for it. The token is read
from where it lies at each request, never kept, never in a message. Redirects are not followed, because they would take
the token along; answers are read up to a bound; every request has a deadline. Deliberately not here: when and how often
(`loop/reporting.py`), and what a request looks like (`status_shapes.py`).
"""

import asyncio
import email.utils
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.adapters import status_shapes
from reconciler.adapters.secret import SecretMissing, read_secret
from reconciler.adapters.status_shapes import Place, Provider
from reconciler.state.desired import SecretRef
from reconciler.state.report import Posted, PostedKind, Report

if TYPE_CHECKING:
    import httpx

DEADLINE = 10.0
"""Seconds for one request, from the first byte sent to the last one read."""

LONGEST_WAIT = 3600.0
"""Seconds that a host may ask us to wait at most; GitHub's limits are by the hour."""

_MOST = 1 << 20
"""Bytes of an answer that are read."""

_QUOTED = 200
"""Characters of a host's words that a message repeats."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status code, headers in lower case, and the beginning of the body."""

    code: int
    headers: Mapping[str, str]
    text: str

    @property
    def words(self) -> str:
        """The host's own words on one line, shortened."""
        return " ".join(self.text.split())[:_QUOTED]


class HttpStatusHost:
    """See `loop.outbox.StatusHost`."""

    def __init__(self, place: Place, token: SecretRef, now: Callable[[], float], *, deadline: float = DEADLINE) -> None:
        """Nothing is opened yet.

        Args:
            place: which host, and which repository there.
            token: where the token is found.
            now: seconds since the epoch, for hosts that say until when to wait.
            deadline: seconds for one request.
        """
        self.place = place
        self._token = token
        self._now = now
        self._deadline = deadline
        self._client: httpx.AsyncClient | None = None

    def same(self, one: Report, other: Report) -> bool:
        """Whether this host would show the two alike, so that nothing is to be told."""
        return status_shapes.alike(self.place, one, other)

    async def post(self, report: Report) -> Posted:
        """Tell one. Never raises for what the host does."""
        address = status_shapes.post_address(self.place, report.commit)
        answer = await self._asked("POST", address, status_shapes.body(self.place, report))
        return answer if isinstance(answer, Posted) else judged(self.place, answer, self._now())

    async def has(self, report: Report) -> bool | None:
        """Whether the host shows just that; None where it did not say."""
        address = status_shapes.list_address(self.place, report.commit, report.fleet)
        answer = await self._asked("GET", address, None)
        if isinstance(answer, Posted) or answer.code != 200:
            return None
        try:
            found = status_shapes.shown(self.place, json.loads(answer.text))
        except ValueError:
            return None
        return status_shapes.shows(self.place, report, found)

    async def close(self) -> None:
        """Give the connection back."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _asked(self, method: str, address: str, body: Mapping[str, str] | None) -> Answer | Posted:
        try:
            headers = status_shapes.headers(self.place.provider, read_secret(self._token))
        except SecretMissing as error:
            return Posted(PostedKind.DENIED, f"{error}. Put the token for commit statuses there; it is read again.")
        httpx = await asyncio.to_thread(importlib.import_module, "httpx")
        try:
            async with asyncio.timeout(self._deadline):
                return await self._exchange(httpx, (method, address), headers, body)
        except TimeoutError:
            said = f"no answer within {self._deadline:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            said = str(error) or type(error).__name__
        message = f"{self.place.api} cannot be reached for commit statuses: {said}. It is tried again by itself."
        return Posted(PostedKind.LATER, message, unsure=True)

    async def _exchange(
        self, httpx: Any, request: tuple[str, str], headers: Mapping[str, str], body: Mapping[str, str] | None
    ) -> Answer:
        if self._client is None:
            self._client = httpx.AsyncClient(follow_redirects=False, timeout=self._deadline)
        async with self._client.stream(*request, headers=headers, json=body) as response:
            read = bytearray()
            async for chunk in response.aiter_bytes():
                read += chunk
                if len(read) > _MOST:
                    break
            text = bytes(read[:_MOST]).decode(errors="replace")
            return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, text)


def judged(place: Place, answer: Answer, now: float) -> Posted:
    """What an answer to a post means."""
    if answer.code < 300:
        return Posted(PostedKind.TAKEN)
    wait = waiting(answer.headers, now)
    if answer.code == 429 or (answer.code == 403 and wait is not None):
        message = (
            f"{place.api} asks for fewer requests ({answer.words}). Commit statuses go on after that by themselves."
        )
        return Posted(PostedKind.LATER, message, wait if wait is not None else 60.0)
    if place.provider is Provider.GITLAB and answer.code == 400 and "Cannot transition status" in answer.text:
        return Posted(PostedKind.TAKEN)  # it has that state already
    if answer.code >= 500:
        message = (
            f"{place.api} answered {answer.code} to a commit status ({answer.words}). It is tried again by itself."
        )
        return Posted(PostedKind.LATER, message, wait, unsure=True)
    if answer.code in (400, 409, 422):
        message = (
            f"{place.api} turned one commit status down with {answer.code} ({answer.words}); that one is given up. "
            "Is the commit pushed to that repository? GitHub takes at most 1,000 statuses per commit and context."
        )
        return Posted(PostedKind.SENSELESS, message)
    return Posted(PostedKind.DENIED, _denied(place, answer))


_RIGHTS = {
    Provider.GITHUB: "a fine-grained token with `Commit statuses: read and write`, or a classic one with `repo:status`",
    Provider.GITLAB: "a project access token with the scope `api` and the role Developer",
    Provider.GITEA: "a token with the scope `write:repository`",
}


def _denied(place: Place, answer: Answer) -> str:
    said = f"{place.api} answered {answer.code} to a commit status of {place.repository} ({answer.words}). "
    if answer.code == 401:
        return f"{said}The token is not valid (any more): give {_RIGHTS[place.provider]}. It is read again at each try."
    if answer.code == 403:
        return f"{said}The token may not do that: give {_RIGHTS[place.provider]}."
    if answer.code == 404:
        return (
            f"{said}There is no such repository, or the token may not see it: check --status-repository and "
            f"--status-url, and give {_RIGHTS[place.provider]}."
        )
    if answer.code < 400:
        return f"{said}Redirects are not followed, because they would take the token along: correct --status-url."
    return f"{said}Check --status-provider and --status-url."


def waiting(headers: Mapping[str, str], now: float) -> float | None:
    """How long the host asks to wait, in seconds; None where it does not.

    `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), or GitHub's and GitLab's headers of a limit used up.
    """
    after = headers.get("retry-after", "")
    if after.isdigit():
        return min(float(after), LONGEST_WAIT)
    if after:
        try:
            at = email.utils.parsedate_to_datetime(after).timestamp()
        except ValueError:
            return None
        return min(max(at - now, 0.0), LONGEST_WAIT)
    for prefix in ("x-ratelimit", "ratelimit"):
        reset = headers.get(f"{prefix}-reset", "")
        if headers.get(f"{prefix}-remaining") == "0" and reset.isdigit():
            return min(max(float(reset) - now, 1.0), LONGEST_WAIT)
    return None
