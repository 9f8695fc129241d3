"""A git repository, a state directory and the command line, for tests that call verbs as people do."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from reconciler.cli.app import app

FLEET = """\
apiVersion: reconciler.tfserving/v1alpha1
kind: Fleet
metadata: {{name: eu}}
spec:
  tfServing: {{version: "2.20", numLoadThreads: 2, numUnloadThreads: 1, maxNumLoadRetries: 0}}
  storage:
    - {{serverPath: /models, url: "file:///nowhere"}}
  deadlines: {{status: 200ms}}
  adopt: {adopt}
  servers:
    - {{name: gpu-1, grpc: "127.0.0.1:{port}"}}
"""
MODEL = """\
apiVersion: reconciler.tfserving/v1alpha1
kind: Model
metadata: {{name: half}}
spec:
  placement: [{{fleet: eu}}]
  basePath: /models/half
  versions: {{specific: {versions}}}
  labels: {labels}
  transition: {{policy: {policy}}}
"""
NOBODY = 9
"""A port of loopback on which nobody listens: the discard service."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class World:
    """One repository and one state directory below a folder."""

    folder: Path

    @property
    def repo(self) -> Path:
        return self.folder / "repo"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def write(self, versions: str, labels: str, policy: str = "availability") -> None:
        self.repo.mkdir(exist_ok=True)
        if not (self.repo / ".git").exists():
            self.git("init", "--quiet", "--initial-branch=main")
        (self.repo / "fleet.yaml").write_text(FLEET.format(port=NOBODY, adopt="replace"))
        (self.repo / "half.yaml").write_text(MODEL.format(versions=versions, labels=labels, policy=policy))

    def commit(self, subject: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            **{f"GIT_{role}_NAME": "Ada Lovelace" for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_EMAIL": "ada@example.org" for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_DATE": "2026-11-20T18:40:00+0000" for role in ("AUTHOR", "COMMITTER")},
        }
        command = ["git", "-C", str(self.repo), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    def call(self, *arguments: str, **environment: str) -> Outcome:
        """Call the command line with this state directory."""
        given = {"RECONCILER_STATE": str(self.state), "RECONCILER_REPO": str(self.repo), **environment}
        result = CliRunner().invoke(app, list(arguments), env=_alone(given))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)


def _alone(given: dict[str, str]) -> dict[str, Any]:
    """An environment without what the caller's shell may have set for a real reconciler."""
    foreign: dict[str, Any] = {name: None for name in os.environ if name.startswith("RECONCILER_")}
    return {**foreign, "NO_COLOR": "1", "COLUMNS": "100", **given}


def promoted(folder: Path) -> World:
    """A repository whose last commit promotes half to 2 and drops 1."""
    world = World(folder)
    world.write("[1]", "{stable: 1}")
    world.commit("half 1 is stable")
    world.write("[2]", "{stable: 2}")
    world.commit("half 2 is stable, 1 goes")
    return world
