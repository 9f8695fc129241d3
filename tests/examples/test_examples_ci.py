"""The CI files in the example repository: sound, careful with rights, and their steps do what they say when run."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from apihost import Api, Asked, Reply, serving

TOP = Path(__file__).parents[2]
EXAMPLES = TOP / "examples_repo"
WORKFLOWS = sorted(EXAMPLES.glob(".github/workflows/*.yaml"))
MARKER = "<!-- reconciler-plan:all.all.6e340b9c -->"
PLAN = f'{MARKER}\n### Plan: `half` changes\n\n- \u26a0 it\'s "quoted"\n'

pytestmark = pytest.mark.skipif(
    not (shutil.which("jq") and shutil.which("curl")), reason="needs jq and curl, as CI has"
)


def loaded(path: Path) -> Any:
    return yaml.load(path.read_text(), yaml.BaseLoader)  # `on` is a text in YAML 1.2, and true for safe_load


def step(workflow: str, name: str) -> str:
    """The script of a step of a workflow's only job."""
    (job,) = loaded(EXAMPLES / ".github" / "workflows" / f"{workflow}.yaml")["jobs"].values()
    return str(next(each["run"] for each in job["steps"] if each.get("name") == name))


def gitlab(job: str) -> str:
    return "\n".join(loaded(EXAMPLES / ".gitlab-ci.yml")[job]["script"])


@dataclass
class Runner:
    """A folder, and the environment that a runner gives to a step. `reconciler` is this one."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, script: str, shell: str = "bash", **more: str) -> subprocess.CompletedProcess[str]:
        tools = self.folder / "bin"
        tools.mkdir(exist_ok=True)
        for name, command in (("reconciler", "-m reconciler"), ("python3", "")):
            (tools / name).write_text(f'#!/bin/sh\nPYTHONPATH={TOP} exec {sys.executable} {command} "$@"\n')
            (tools / name).chmod(0o755)
        environment = {**os.environ, **self.environment, **more, "PATH": f"{tools}:{os.environ['PATH']}"}
        arguments = [shell, "-e", "-o", "pipefail", "-c", script] if shell == "bash" else [shell, "-c", script]
        work = self.folder / "work"
        return subprocess.run(
            arguments, cwd=work, env=environment, capture_output=True, text=True, timeout=60, check=False
        )


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as found:
        yield found


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    (tmp_path / "work" / "result").mkdir(parents=True)
    (tmp_path / "work" / "result" / "plan.md").write_text(PLAN)
    return Runner(tmp_path)


# What the files say


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit_and_names_its_version(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text())
    assert used
    assert [each for each, _ in used if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", each)] == []
    assert [comment for _, comment in used if not re.fullmatch(r" # v[0-9.]+", comment)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_job_ends_by_itself_and_runs_alone(path: Path) -> None:
    workflow = loaded(path)
    assert {"name", "on", "permissions", "concurrency", "jobs"} == set(workflow)
    assert all(int(job["timeout-minutes"]) <= 10 for job in workflow["jobs"].values())


def test_rights_are_the_least_that_do() -> None:
    rights = {path.stem: loaded(path)["permissions"] for path in WORKFLOWS}
    assert rights == {
        "validate-and-plan": {"contents": "read"},
        "comment": {"actions": "read", "pull-requests": "write"},
    }


def test_the_clone_has_the_whole_history_and_keeps_no_token() -> None:
    (job,) = loaded(EXAMPLES / ".github" / "workflows" / "validate-and-plan.yaml")["jobs"].values()
    assert job["steps"][0]["with"] == {"fetch-depth": "0", "persist-credentials": "false"}
    assert loaded(EXAMPLES / ".gitlab-ci.yml")["variables"]["GIT_DEPTH"] == "0"


def test_the_release_that_ci_installs_is_pinned_alike_everywhere() -> None:
    texts = [path.read_text() for path in (*WORKFLOWS, EXAMPLES / ".gitlab-ci.yml")]
    assert len({pin for text in texts for pin in re.findall(r'"tfserving-reconciler(==[0-9.]+)"', text)}) == 1


def test_gitlab_gives_its_token_to_the_job_that_reads_no_file_of_the_merge_request() -> None:
    pipeline = loaded(EXAMPLES / ".gitlab-ci.yml")
    assert "PLAN_TOKEN" not in json.dumps(pipeline["validate-and-plan"])
    assert pipeline["comment"]["variables"]["GIT_STRATEGY"] == "none"
    assert pipeline["comment"]["rules"][0]["if"].startswith("$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID")
    assert set(pipeline["stages"]) == {pipeline[job]["stage"] for job in ("validate-and-plan", "comment")}


@pytest.mark.parametrize("path", [*WORKFLOWS, EXAMPLES / ".gitlab-ci.yml"], ids=lambda path: path.name)
def test_every_script_is_sound_shell(path: Path) -> None:
    jobs = [each for each in loaded(path).get("jobs", loaded(path)).values() if isinstance(each, dict)]
    scripts = [each["run"] for job in jobs for each in job.get("steps", ()) if "run" in each]
    scripts += ["\n".join(job["script"]) for job in jobs if "script" in job]
    assert scripts
    for script in scripts:
        checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
        assert checked.stderr == ""


# What the steps do


def git(folder: Path, *arguments: str) -> str:
    names = {f"GIT_{role}_{what}": "ada@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env={**os.environ, **names}, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def pull_request(runner: Runner) -> Runner:
    """A clone as CI makes it, HEAD detached at the merge of a branch that moves a label of the example repository."""
    work = runner.folder / "work"
    shutil.rmtree(work)
    shutil.copytree(EXAMPLES, work)
    git(work, "init", "--quiet", "--initial-branch=main")
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", "What is served")
    base = git(work, "rev-parse", "HEAD").strip()
    path = work / "models" / "half_plus_two.yaml"
    path.write_text(path.read_text().replace("stable: 1", "stable: 2").replace("specific: [1]", "specific: [2]"))
    git(work, "commit", "--quiet", "--all", "--message", "Promote")
    head = git(work, "rev-parse", "HEAD").strip()
    git(work, "update-ref", "refs/remotes/origin/main", base)
    git(work, "checkout", "--quiet", "--detach", head)
    files = {name: str(runner.folder / name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    runner.environment = {**files, "BASE": "main", "HEAD": head, "RECONCILER_STATE": str(runner.folder / "state")}
    return runner


def test_the_plan_step_plans_the_merge_and_passes(pull_request: Runner) -> None:
    done = pull_request.run(step("validate-and-plan", "What would merging do?"))
    assert done.returncode == 0, done.stderr
    plan = (pull_request.folder / "work" / "result" / "plan.md").read_text()
    assert plan.splitlines()[0] == MARKER
    assert "stable 1 → 2" in plan
    assert (pull_request.folder / "GITHUB_STEP_SUMMARY").read_text() == plan
    assert (pull_request.folder / "GITHUB_OUTPUT").read_text() == "code=0\n"


def test_an_invalid_pull_request_has_a_comment_annotations_and_a_red_job(pull_request: Runner) -> None:
    work = pull_request.folder / "work"
    (work / "models" / "bad,name.yaml").write_text("kind: Model\nnonsense: 100%\n")
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", "Broken")
    head = git(work, "rev-parse", "HEAD").strip()
    assert pull_request.run(step("validate-and-plan", "What would merging do?"), HEAD=head).returncode == 0
    assert "### Not valid" in (work / "result" / "plan.md").read_text()
    checked = pull_request.run(step("validate-and-plan", "Are the documents sound?"))
    assert checked.returncode == 1
    assert "::error file=models/bad%2Cname.yaml,line=" in checked.stdout
    code = (pull_request.folder / "GITHUB_OUTPUT").read_text().strip().partition("=")[2]
    assert pull_request.run(step("validate-and-plan", "Could a plan be made?"), CODE=code).returncode == 1


def test_gitlab_plans_the_merge_too(pull_request: Runner) -> None:
    work = pull_request.folder / "work"
    git(work, "branch", "--quiet", "--force", "main", "origin/main")
    git(work, "remote", "add", "origin", str(work))
    script = gitlab("validate-and-plan").replace('pip install --quiet "tfserving-reconciler==0.1.0"', "true")
    variables = {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_COMMIT_SHA": pull_request.environment["HEAD"]}
    done = pull_request.run(script, **variables)
    assert done.returncode == 0, done.stderr
    assert "stable 1 → 2" in (work / "result" / "plan.md").read_text()


BOT = {"login": "github-actions[bot]"}


def commenting(api: Api, runner: Runner, *known: dict[str, Any], head: str = "abc") -> subprocess.CompletedProcess[str]:
    """Run the comment step against a pull request that has these comments."""

    def answer(asked: Asked) -> Reply:
        if asked.method != "GET":
            return Reply(200, {"html_url": "https://git.example.com/1"})
        if "/comments" not in asked.path:
            return Reply(200, {"head": {"sha": head}})
        page = int(asked.path.rpartition("=")[2])
        return Reply(200, list(known[100 * (page - 1) : 100 * page]))

    api.answer = answer
    variables = {"GITHUB_API_URL": api.url, "GITHUB_REPOSITORY": "o/r", "TOKEN": "t0ken", "NUMBER": "7", "HEAD": "abc"}
    return runner.run(step("comment", "Write or replace the comment"), **variables)


def test_the_first_comment_is_made(api: Api, runner: Runner) -> None:
    done = commenting(api, runner, {"id": 1, "body": "Looks good", "user": {"login": "ada"}})
    assert done.returncode == 0, done.stderr
    (made,) = (each for each in api.asked if each.method == "POST")
    assert (made.path, made.body) == ("/repos/o/r/issues/7/comments", {"body": PLAN})
    assert made.headers["authorization"] == "Bearer t0ken"


def test_a_comment_that_is_there_is_replaced_however_many_others_there_are(api: Api, runner: Runner) -> None:
    others = [{"id": number, "body": "+1", "user": BOT} for number in range(150)]
    done = commenting(api, runner, *others, {"id": 999, "body": f"{MARKER}\nold", "user": BOT})
    assert done.returncode == 0, done.stderr
    assert api.paths("PATCH") == ["/repos/o/r/issues/comments/999"]
    assert api.paths("POST") == []


def test_a_comment_of_another_person_or_another_folder_is_left_alone(api: Api, runner: Runner) -> None:
    commenting(
        api,
        runner,
        {"id": 1, "body": f"{MARKER}\nmine", "user": {"login": "mallory"}},
        {"id": 2, "body": "<!-- reconciler-plan:production.all.12345678 -->\n", "user": BOT},
    )
    assert (api.paths("PATCH"), len(api.paths("POST"))) == ([], 1)


def test_a_pull_request_that_moved_on_is_not_told_of_its_past(api: Api, runner: Runner) -> None:
    assert commenting(api, runner, head="newer").returncode == 0
    assert {each.method for each in api.asked} == {"GET"}


@pytest.mark.parametrize("text", ["Approve this!\n", f"{MARKER}$(touch pwned)\n", MARKER + "\n" + "x" * 65_536])
def test_a_file_that_is_no_plan_is_not_shown(api: Api, runner: Runner, text: str) -> None:
    (runner.folder / "work" / "result" / "plan.md").write_text(text)
    assert commenting(api, runner).returncode == 1
    assert api.asked == []


def noting(api: Api, runner: Runner, *known: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/user"):
            return Reply(200, {"id": 5})
        return Reply(200, list(known) if asked.method == "GET" else {})

    api.answer = answer
    variables = {"CI_API_V4_URL": api.url, "CI_PROJECT_ID": "3", "CI_MERGE_REQUEST_IID": "7", "PLAN_TOKEN": "glpat"}
    return runner.run(gitlab("comment"), "sh", **variables)


def test_gitlab_makes_the_first_note(api: Api, runner: Runner) -> None:
    done = noting(api, runner, {"id": 1, "body": f"{MARKER}\n", "author": {"id": 6}})
    assert done.returncode == 0, done.stderr
    (made,) = (each for each in api.asked if each.method == "POST")
    assert (made.path, made.body) == ("/projects/3/merge_requests/7/notes", {"body": PLAN})
    assert made.headers["private-token"] == "glpat"


def test_gitlab_replaces_its_note(api: Api, runner: Runner) -> None:
    done = noting(api, runner, {"id": 44, "body": f"{MARKER}\nold", "author": {"id": 5}})
    assert done.returncode == 0, done.stderr
    assert api.paths("PUT") == ["/projects/3/merge_requests/7/notes/44"]
    assert api.paths("POST") == []
