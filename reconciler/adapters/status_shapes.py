"""How each git host wants to be told a commit status: addresses, headers and bodies. Pure; sent by `status_host.py`.

Sources: GitHub REST API, "Create a commit status" (description up to 140 characters, 1,000 statuses per commit and
context); GitLab REST API, "Commits: set the pipeline status of a commit" (a state that is set already is an error);
Gitea API, `repoCreateStatus` (Forgejo has the same).
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from reconciler.state.report import Report, ReportState


class Provider(enum.StrEnum):
    """A kind of git host."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"


@dataclass(frozen=True, slots=True)
class Place:
    """Where statuses go: the host's API, without a slash at its end, and the repository as `owner/name`.

    instance: tells the statuses of this reconciler from those of another. target: the page a status leads to, if any.
    """

    provider: Provider
    api: str
    repository: str
    instance: str = "default"
    target: str = ""

    def context(self, fleet: str) -> str:
        """The name under which a fleet's status stands at a commit."""
        return f"reconciler/{self.instance}/{fleet}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A status as the host shows it."""

    context: str
    state: str
    text: str


_STATES: Mapping[Provider, Mapping[ReportState, str]] = {
    Provider.GITHUB: {ReportState.OVERTAKEN: "error"},
    Provider.GITEA: {ReportState.OVERTAKEN: "error"},
    Provider.GITLAB: {ReportState.FAILURE: "failed", ReportState.OVERTAKEN: "canceled"},
}


def state(provider: Provider, wanted: ReportState) -> str:
    """The host's word for a state. Nobody failed where a commit was overtaken: GitLab says so, the others cannot."""
    return _STATES[provider].get(wanted, str(wanted))


def headers(provider: Provider, token: str) -> dict[str, str]:
    """Who we are, and which version of the API is meant."""
    match provider:
        case Provider.GITHUB:
            return {
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
            }
        case Provider.GITLAB:
            return {"PRIVATE-TOKEN": token, "Accept": "application/json"}
        case Provider.GITEA:
            return {"Authorization": f"token {token}", "Accept": "application/json"}


def post_address(place: Place, commit: str) -> str:
    """Where a status of that commit is posted to."""
    if place.provider is Provider.GITLAB:
        return f"{place.api}/projects/{quote(place.repository, safe='')}/statuses/{quote(commit, safe='')}"
    return f"{place.api}/repos/{quote(place.repository)}/statuses/{quote(commit, safe='')}"


def list_address(place: Place, commit: str, fleet: str) -> str:
    """Where the statuses of that commit are read, the newest first."""
    sha = quote(commit, safe="")
    match place.provider:
        case Provider.GITHUB:
            return f"{place.api}/repos/{quote(place.repository)}/commits/{sha}/statuses?per_page=100"
        case Provider.GITLAB:
            project, name = quote(place.repository, safe=""), quote(place.context(fleet), safe="")
            return f"{place.api}/projects/{project}/repository/commits/{sha}/statuses?name={name}"
        case Provider.GITEA:
            return f"{place.api}/repos/{quote(place.repository)}/statuses/{sha}?sort=recentupdate&limit=50"


def body(place: Place, report: Report) -> dict[str, str]:
    """What is posted."""
    name = "name" if place.provider is Provider.GITLAB else "context"
    said = {"state": state(place.provider, report.state), name: place.context(report.fleet), "description": report.text}
    return said | ({"target_url": place.target} if place.target else {})


def shown(place: Place, listed: object) -> tuple[Shown, ...]:
    """The statuses in an answer of `list_address`, as far as they are any."""
    fields = {
        Provider.GITHUB: ("context", "state", "description"),
        Provider.GITLAB: ("name", "status", "description"),
        Provider.GITEA: ("context", "status", "description"),
    }[place.provider]
    entries = listed if isinstance(listed, list) else []
    return tuple(Shown(*(str(each.get(name) or "") for name in fields)) for each in entries if isinstance(each, dict))


def shows(place: Place, report: Report, found: tuple[Shown, ...]) -> bool:
    """Whether the newest status of the report's fleet is what the report says."""
    context = place.context(report.fleet).lower()  # GitHub takes contexts without regard to case
    newest = next((each for each in found if each.context.lower() == context), None)
    if newest is None or newest.state != state(place.provider, report.state):
        return False
    return place.provider is Provider.GITLAB or newest.text == report.text


def alike(place: Place, one: Report, other: Report) -> bool:
    """Whether nothing is to be told between the two: GitLab takes no new text for a state that it has."""
    if place.provider is not Provider.GITLAB:
        return one == other
    return state(place.provider, one.state) == state(place.provider, other.state)
