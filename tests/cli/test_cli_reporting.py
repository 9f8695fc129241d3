import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from apihost import serving
from cli_world import promoted

from reconciler.adapters.status_shapes import Provider
from reconciler.cli.exits import Misused
from reconciler.cli.options import STATUS_TOKEN, StatusOptions
from reconciler.cli.options import Provider as Named
from reconciler.cli.reporting import asked

SET = {STATUS_TOKEN: "secret"}


def place(repository: str, **options: object) -> tuple[Provider, str, str]:
    found = asked(StatusOptions(**options), repository, SET)  # type: ignore[arg-type]  # options as tests give them
    assert found is not None
    return found.place.provider, found.place.api, found.place.repository


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ("https://github.com/o/r.git", (Provider.GITHUB, "https://api.github.com", "o/r")),
        ("git@github.com:o/r.git", (Provider.GITHUB, "https://api.github.com", "o/r")),
        ("ssh://git@gitlab.com:22/g/s/r.git", (Provider.GITLAB, "https://gitlab.com/api/v4", "g/s/r")),
        ("https://user:pw@gitlab.example.com/g/r", (Provider.GITLAB, "https://gitlab.example.com/api/v4", "g/r")),
        ("https://github.example.com/o/r", (Provider.GITHUB, "https://github.example.com/api/v3", "o/r")),
        ("https://codeberg.org/o/r", (Provider.GITEA, "https://codeberg.org/api/v1", "o/r")),
        ("https://forgejo.example.com/o/r.git/", (Provider.GITEA, "https://forgejo.example.com/api/v1", "o/r")),
    ],
)
def test_the_address_of_the_repository_tells_where_statuses_go(
    repository: str, expected: tuple[Provider, str, str]
) -> None:
    assert place(repository) == expected


def test_options_say_what_the_address_does_not() -> None:
    options = {
        "status_provider": Named.GITEA,
        "status_url": "https://git.example.com/api/v1/",
        "status_repository": "o/r",
    }
    assert place("/srv/repository", **options) == (Provider.GITEA, "https://git.example.com/api/v1", "o/r")


def test_nothing_is_reported_unless_a_token_is_given() -> None:
    assert asked(StatusOptions(), "https://github.com/o/r", {}) is None


@pytest.mark.parametrize(
    ("repository", "options", "said"),
    [
        ("https://git.example.com/o/r", {}, "give --status-provider"),
        ("/srv/repository", {"status_provider": Named.GITHUB}, "give --status-url"),
        ("/srv/r", {"status_provider": Named.GITHUB, "status_url": "https://x.example"}, "give --status-repository"),
        ("https://github.com/o/r", {"status_url": "http://api.example.com"}, "read on the way"),
        ("https://github.com/o/r", {"status_url": "https://me:pw@api.example.com"}, "without user or query"),
        ("https://github.com/o/r", {"instance": "a b"}, "is no name"),
        ("https://github.com/o/r", {"status_target_url": "javascript:alert(1)"}, "is no http address"),
        ("https://github.com/o/../r", {}, "give --status-repository"),
    ],
)
def test_what_cannot_be_told_is_a_usage_error(repository: str, options: dict[str, object], said: str) -> None:
    with pytest.raises(Misused, match=said) as met:
        place(repository, **options)
    assert "pw" not in str(met.value)


def test_a_provider_without_a_token_is_a_usage_error() -> None:
    with pytest.raises(Misused, match="needs a token"):
        asked(StatusOptions(status_provider=Named.GITHUB), "https://github.com/o/r", {})


@pytest.mark.parametrize("address", ["http://127.0.0.1:8080", "http://localhost/api", "http://[::1]:3000/api/v1"])
def test_this_machine_may_be_asked_in_the_clear(address: str) -> None:
    assert place("https://github.com/o/r", status_url=address)[1] == address


def test_the_service_tells_the_host_and_logs_no_token(tmp_path: Path) -> None:
    world = promoted(tmp_path)
    head = world.git("rev-parse", "HEAD").strip()
    (tmp_path / "token").write_text("t0p-secret\n")
    with serving() as api:
        command = [sys.executable, "-m", "reconciler", "run", "--repo", str(world.repo), "--state", str(world.state)]
        command += ["--status-provider", "github", "--status-url", api.url, "--status-repository", "o/r"]
        command += ["--status-token-file", str(tmp_path / "token"), "--instance", "blue", "--log-format", "json"]
        service = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ)
        deadline = time.monotonic() + 30
        while not api.asked and time.monotonic() < deadline and service.poll() is None:
            time.sleep(0.02)
        service.terminate()
        _, err = service.communicate(timeout=10)
    assert service.returncode == 0, err
    assert api.asked[0].path == f"/repos/o/r/statuses/{head}"
    assert api.asked[0].body == {
        "state": "pending",
        "context": "reconciler/blue/eu",
        "description": "0 of 1 server converged; gpu-1 waits: Unreachable",
    }
    assert "t0p-secret" not in err
    assert [json.loads(line)["event"] for line in err.splitlines()][-1] == "service ended"


def test_a_service_that_reports_to_nobody_never_loads_what_reporting_needs() -> None:
    names = ("httpx", "reconciler.cli.reporting", "reconciler.adapters.status_host", "reconciler.loop.reporting")
    program = f"import sys; import reconciler.cli.service; print([n for n in {names!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
