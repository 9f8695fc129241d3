import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from apihost import Api, Reply, serving

from reconciler.adapters.status_host import HttpStatusHost, waiting
from reconciler.adapters.status_shapes import Place, Provider
from reconciler.state.desired import SecretRef
from reconciler.state.report import PostedKind, Report, ReportState

SHA = "3f2a9c1d04e5b6a7f8091a2b3c4d5e6f70819203"
REPORT = Report(SHA, "eu-gpu", ReportState.FAILURE, "2 of 3 servers converged; gpu-3 held: CheckFailed")
NOW = 1_000.0


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as found:
        yield found


class Hosts:
    """Makes hosts and closes them."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.api = api
        self.token = folder / "token"
        self.token.write_text("t0p-secret\n")
        self.made: list[HttpStatusHost] = []

    def __call__(self, provider: Provider, repository: str = "team/models", **more: Any) -> HttpStatusHost:
        place = Place(provider, more.get("api", self.api.url), repository, "blue", more.get("target", ""))
        secret = SecretRef(from_file=str(self.token))
        self.made.append(HttpStatusHost(place, secret, lambda: NOW, deadline=more.get("deadline", 5.0)))
        return self.made[-1]


@pytest.fixture
async def hosts(api: Api, tmp_path: Path) -> AsyncIterator[Hosts]:
    found = Hosts(api, tmp_path)
    yield found
    for host in found.made:
        await host.close()


async def test_github_is_told_as_its_documentation_says(api: Api, hosts: Hosts) -> None:
    host = hosts(Provider.GITHUB, target="https://status.example.com/eu")
    assert (await host.post(REPORT)).kind is PostedKind.TAKEN
    (asked,) = api.asked
    assert (asked.method, asked.path) == ("POST", f"/repos/team/models/statuses/{SHA}")
    assert asked.headers["authorization"] == "Bearer t0p-secret"
    assert asked.headers["accept"] == "application/vnd.github+json"
    assert asked.headers["x-github-api-version"] == "2022-11-28"
    assert asked.headers["content-type"] == "application/json"
    assert asked.body == {
        "state": "failure",
        "context": "reconciler/blue/eu-gpu",
        "description": "2 of 3 servers converged; gpu-3 held: CheckFailed",
        "target_url": "https://status.example.com/eu",
    }


async def test_gitlab_is_told_with_its_words_and_the_project_in_one_piece(api: Api, hosts: Hosts) -> None:
    host = hosts(Provider.GITLAB, "ml/serving/models")
    assert (await host.post(REPORT)).kind is PostedKind.TAKEN
    (asked,) = api.asked
    assert (asked.method, asked.path) == ("POST", f"/projects/ml%2Fserving%2Fmodels/statuses/{SHA}")
    assert asked.headers["private-token"] == "t0p-secret"
    assert "authorization" not in asked.headers
    assert asked.body == {"state": "failed", "name": "reconciler/blue/eu-gpu", "description": REPORT.text}


async def test_gitea_is_told_as_its_documentation_says(api: Api, hosts: Hosts) -> None:
    assert (await hosts(Provider.GITEA).post(REPORT)).kind is PostedKind.TAKEN
    (asked,) = api.asked
    assert (asked.method, asked.path) == ("POST", f"/repos/team/models/statuses/{SHA}")
    assert asked.headers["authorization"] == "token t0p-secret"
    assert asked.body == {"state": "failure", "context": "reconciler/blue/eu-gpu", "description": REPORT.text}


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        (Provider.GITHUB, ["pending", "success", "failure", "error"]),
        (Provider.GITEA, ["pending", "success", "failure", "error"]),
        (Provider.GITLAB, ["pending", "success", "failed", "canceled"]),
    ],
)
async def test_every_state_has_the_hosts_own_word(api: Api, hosts: Hosts, provider: Provider, words: list[str]) -> None:
    host = hosts(provider)
    for state in ReportState:
        await host.post(Report(SHA, "eu", state, "x"))
    assert [each.body["state"] for each in api.asked] == words


async def test_a_rotated_token_is_used_at_once(api: Api, hosts: Hosts) -> None:
    host = hosts(Provider.GITHUB)
    await host.post(REPORT)
    hosts.token.write_text("another")
    await host.post(REPORT)
    assert [each.headers["authorization"] for each in api.asked] == ["Bearer t0p-secret", "Bearer another"]


async def test_a_token_that_is_not_there_is_said_and_nothing_is_asked(api: Api, hosts: Hosts) -> None:
    host = hosts(Provider.GITHUB)
    hosts.token.unlink()
    posted = await host.post(REPORT)
    assert posted.kind is PostedKind.DENIED
    assert "Put the token for commit statuses there" in posted.message
    assert api.asked == []


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (401, "The token is not valid"),
        (403, "`Commit statuses: read and write`"),
        (404, "check --status-repository"),
        (302, "Redirects are not followed"),
    ],
)
async def test_a_host_that_turns_us_away_says_what_to_do_and_never_the_token(
    api: Api, hosts: Hosts, code: int, said: str
) -> None:
    api.answer = lambda _: Reply(code, {"message": "no"}, {"Location": "https://elsewhere.example/"})
    posted = await hosts(Provider.GITHUB).post(REPORT)
    assert posted.kind is PostedKind.DENIED
    assert said in posted.message
    assert "t0p-secret" not in posted.message
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("code", "headers", "wait"),
    [
        (429, {"Retry-After": "30"}, 30.0),
        (429, {}, 60.0),
        (403, {"Retry-After": "7"}, 7.0),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1090"}, 90.0),
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": "1010"}, 10.0),
        (503, {"Retry-After": "5"}, 5.0),
        (502, {}, None),
    ],
)
async def test_a_host_that_asks_for_patience_gets_it(
    api: Api, hosts: Hosts, code: int, headers: dict[str, str], wait: float | None
) -> None:
    api.answer = lambda _: Reply(code, {"message": "slow down"}, headers)
    posted = await hosts(Provider.GITHUB).post(REPORT)
    assert (posted.kind, posted.wait, posted.unsure) == (PostedKind.LATER, wait, code >= 500)


def test_a_date_to_wait_for_is_read_and_no_wait_is_endless() -> None:
    assert waiting({"retry-after": "Thu, 01 Jan 1970 00:17:10 GMT"}, NOW) == 30.0
    assert waiting({"retry-after": "999999999"}, NOW) == 3600.0
    assert waiting({"retry-after": "soon"}, NOW) is None
    assert waiting({"x-ratelimit-remaining": "5", "x-ratelimit-reset": "1090"}, NOW) is None


async def test_one_status_that_makes_no_sense_to_the_host_is_given_up_alone(api: Api, hosts: Hosts) -> None:
    api.answer = lambda _: Reply(422, {"message": "No commit found for SHA"})
    posted = await hosts(Provider.GITHUB).post(REPORT)
    assert posted.kind is PostedKind.SENSELESS
    assert "No commit found for SHA" in posted.message


async def test_gitlab_that_has_the_state_already_has_taken_it(api: Api, hosts: Hosts) -> None:
    api.answer = lambda _: Reply(400, {"message": "Cannot transition status via :enqueue from :pending"})
    assert (await hosts(Provider.GITLAB).post(REPORT)).kind is PostedKind.TAKEN


async def test_a_host_that_is_down_or_silent_is_tried_again_and_may_have_heard(hosts: Hosts) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:  # connections are taken, and nobody reads them
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        silent = await hosts(Provider.GITHUB, api=address, deadline=0.05).post(REPORT)
    refused = await hosts(Provider.GITHUB, api=address).post(REPORT)
    assert [(each.kind, each.unsure) for each in (silent, refused)] == [(PostedKind.LATER, True)] * 2
    assert "cannot be reached for commit statuses" in refused.message


@pytest.mark.parametrize(
    ("provider", "path", "listed"),
    [
        (
            Provider.GITHUB,
            f"/repos/team/models/commits/{SHA}/statuses?per_page=100",
            {"context": "Reconciler/blue/eu-gpu", "state": "failure", "description": REPORT.text},
        ),
        (
            Provider.GITLAB,
            f"/projects/team%2Fmodels/repository/commits/{SHA}/statuses?name=reconciler%2Fblue%2Feu-gpu",
            {"name": "reconciler/blue/eu-gpu", "status": "failed", "description": "of another moment"},
        ),
        (
            Provider.GITEA,
            f"/repos/team/models/statuses/{SHA}?sort=recentupdate&limit=50",
            {"context": "reconciler/blue/eu-gpu", "status": "failure", "description": REPORT.text},
        ),
    ],
)
async def test_a_host_is_asked_what_it_shows(
    api: Api, hosts: Hosts, provider: Provider, path: str, listed: dict[str, str]
) -> None:
    api.answer = lambda _: Reply(200, [{"context": "ci", "name": "ci", "state": "success"}, listed])
    host = hosts(provider)
    assert await host.has(REPORT) is True
    assert await host.has(Report(SHA, "eu-gpu", ReportState.SUCCESS, "3 of 3 servers converged")) is False
    assert [(each.method, each.path) for each in api.asked] == [("GET", path)] * 2


@pytest.mark.parametrize("reply", [Reply(500, {}), Reply(200, "nonsense"), Reply(404, {})])
async def test_a_host_that_does_not_say_what_it_shows_is_not_believed_to_show_it(
    api: Api, hosts: Hosts, reply: Reply
) -> None:
    api.answer = lambda _: reply
    assert not await hosts(Provider.GITHUB).has(REPORT)


def test_a_new_text_for_a_state_is_news_for_all_but_gitlab(api: Api, tmp_path: Path) -> None:
    other = Report(SHA, "eu-gpu", ReportState.FAILURE, "1 of 3")
    found = {provider: Hosts(api, tmp_path)(provider).same(REPORT, other) for provider in Provider}
    assert found == {Provider.GITHUB: False, Provider.GITEA: False, Provider.GITLAB: True}
