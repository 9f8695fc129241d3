"""A pin's commit, proposed on a branch once git is back: real repositories, no service."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pygit2
import pytest
from cli_world import FLEET, MODEL
from repositories import Repository

from reconciler.adapters.git import GitMirror, GitRemote
from reconciler.adapters.ledger import SqliteLedger
from reconciler.cli import wiring
from reconciler.cli.options import RepositoryOptions
from reconciler.cli.proposing import Proposer
from reconciler.errors import SourceError
from reconciler.source import InForce, Trouble, pins
from reconciler.state.desired import Commit
from reconciler.state.pin import Pin


def files(version: int) -> dict[str, str | bytes]:
    model = MODEL.format(versions=f"[{version}]", labels=f"{{stable: {version}}}", policy="availability")
    return {"fleet.yaml": FLEET.format(adopt="replace", port=9), "half.yaml": model}


class Scene:
    """A repository that went from 1 to 2, its mirror, and a pin that holds half at 1."""

    def __init__(self, folder: Path, ledger: SqliteLedger) -> None:
        self.repository = Repository(folder / "desired.git")
        self.good, self.bad = self.repository.commit(files(1)), self.repository.commit(files(2))
        self.ledger = ledger
        mirror = GitMirror(folder / "mirror.git", GitRemote(self.repository.url))
        mirror.poll()
        self.branch = f"reconciler/rollback-half-{self.good[:10]}"
        options = RepositoryOptions(repo=self.repository.url)
        self.proposer = Proposer(ledger, options, mirror, folder / "state")
        pins.add(ledger, [Pin("half", self.good, "p99 doubled", "Ada", 1.0, 9e9)])

    async def look(self, trouble: Trouble | None = None) -> Pin | None:
        return await self.proposer.look(InForce(head=Commit(self.bad), trouble=trouble), at_once)

    def proposed(self) -> str | None:
        found = self.repository.git.references.get(f"refs/heads/{self.branch}")
        return None if found is None else str(found.target)


async def at_once(call: Callable[[], Any]) -> Any:
    return call()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with wiring.writing(tmp_path / "state", "test") as ledger:
        yield Scene(tmp_path, ledger)


async def test_the_commit_is_pushed_to_a_branch_and_kept_with_the_pin(scene: Scene) -> None:
    assert await scene.look()
    made = scene.proposed()
    assert made is not None
    assert scene.repository.git[made].peel(pygit2.Commit).message.endswith("Rollback-Trigger: pin\n")
    assert [pin.branch for pin in pins.noted(scene.ledger)] == [scene.branch]
    assert str(scene.repository.git.references["refs/heads/main"].target) == scene.bad


async def test_nothing_is_pushed_while_git_is_in_trouble(scene: Scene) -> None:
    assert not await scene.look(Trouble("SourceUnavailable", "no answer", 0.0))
    assert scene.proposed() is None


async def test_it_is_proposed_once(scene: Scene) -> None:
    await scene.look()
    assert not await scene.look()


async def test_a_branch_of_that_name_is_left_to_whoever_works_on_it(scene: Scene) -> None:
    theirs = scene.repository.commit(files(1), branch=scene.branch)
    assert await scene.look()
    assert scene.proposed() == theirs
    assert [pin.branch for pin in pins.noted(scene.ledger)] == [scene.branch]


async def test_what_the_host_refuses_is_kept_with_the_pin(scene: Scene) -> None:
    hook = scene.repository.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'no branches here' >&2\nexit 1\n")
    hook.chmod(0o755)
    assert await scene.look()
    assert "no branches here" in pins.noted(scene.ledger)[0].refused
    assert not await scene.look()


async def test_a_pin_whose_commit_cannot_be_made_does_not_keep_others_waiting(scene: Scene) -> None:
    now = 2.0
    pins.add(scene.ledger, [Pin("another", "f" * 40, "gone", "Ada", now, 9e9)])
    with pytest.raises(SourceError):
        await scene.look()
    assert await scene.look()
    assert scene.proposed() is not None
