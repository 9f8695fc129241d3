"""A clone in which people commit with git itself, and the simulated reconciler that follows its branch."""

import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler import revise
from reconciler.adapters.git import GitReader
from reconciler.sim import World
from reconciler.source import Documents
from reconciler.state.desired import Desired

API = "apiVersion: reconciler.tfserving/v1alpha1\n"
FLEET = (
    API
    + """\
kind: Fleet
metadata: {name: eu}
spec:
  tfServing: {version: "2.20", numLoadThreads: 2, numUnloadThreads: 1, maxNumLoadRetries: 0}
  storage: [{serverPath: /models, url: "file:///models"}]
  adopt: replace
  servers:
    - {name: gpu-1, grpc: "gpu-1:8500"}
    - {name: gpu-2, grpc: "gpu-2:8500"}
"""
)


def document(name: str, version: int) -> str:
    """A Model at one version, with comments and air, so that edits of neighbours do not touch each other."""
    return (
        f"# {name}: see the wiki before you change this.\n{API}kind: Model\nmetadata:\n  name: {name}\nspec:\n"
        f"  placement: [{{fleet: eu}}]\n  basePath: /models/{name}\n  transition: {{policy: availability}}\n"
        f"  versions:\n    specific: [{version}]  # one at a time\n  labels:\n    stable: {version}\n"
        "  # the end of this model\n  # and three lines\n  # of air\n"
    )


@dataclass
class Clone:
    """A clone with a work tree, on branch main."""

    path: Path

    def begin(self) -> None:
        """Make it, with nothing in it."""
        self.path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        who = {
            **{f"GIT_{role}_NAME": "Ada" for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_EMAIL": "ada@example.org" for role in ("AUTHOR", "COMMITTER")},
        }
        command = ["git", "-C", str(self.path), *arguments]
        done = subprocess.run(command, env={**os.environ, **who}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def write(self, path: str, text: str) -> None:
        (self.path / path).write_text(text)

    def change(self, path: str, old: str, new: str) -> None:
        text = (self.path / path).read_text()
        assert old in text
        self.write(path, text.replace(old, new))

    def commit(self, subject: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)
        return self.head()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    def model(self, name: str) -> str:
        """The text of a Model's document at the head, wherever it lies."""
        files = [(each.name, each.read_text()) for each in sorted(self.path.glob("*.yaml"))]
        where = revise.find(files, "Model", name)
        assert where is not None
        return revise.cut(dict(files)[where.path], where.document).body

    def desired(self) -> Desired:
        """What the head asks for; the servers of a simulation are reached by their names."""
        wanted = Documents(GitReader(self.path)).at(self.head()).require()
        return replace(wanted, servers=tuple(replace(each, grpc=each.name) for each in wanted.servers))


def follow(world: World, clone: Clone) -> None:
    """The head becomes known to the reconciler, as by a webhook."""
    world.push(clone.desired())
