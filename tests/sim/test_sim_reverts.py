"""Every way in which git takes a change back converges: kinds of reverts × what others did meanwhile × when.

The reverts are git's own, in a real clone; the servers are simulated. Each case ends with the model's document as it
was, byte for byte, with everybody else's later changes in place, and with servers that serve just that.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sim_clones import FLEET, Clone, document, follow
from typer.testing import CliRunner

from reconciler.cli.app import app
from reconciler.sim import World

Bad = Callable[[Clone], str]
"""Brings half from 1 to 2 and returns the commit that a revert names."""


def promote(clone: Clone) -> None:
    text = (clone.path / "shared.yaml").read_text()
    clone.write("shared.yaml", text.replace(document("half", 1), document("half", 2)))


def plainly(clone: Clone) -> str:
    promote(clone)
    return clone.commit("half 2")


def by_a_merge(clone: Clone) -> str:
    clone.git("checkout", "--quiet", "-b", "feature")
    promote(clone)
    clone.commit("half 2, on a branch")
    clone.git("checkout", "--quiet", "main")
    clone.git("merge", "--quiet", "--no-ff", "--message", "Merge half 2", "feature")
    return clone.head()


def with_another(clone: Clone) -> str:
    promote(clone)
    clone.write("third.yaml", document("third", 2))
    return clone.commit("half 2 and third 2")


def revert(clone: Clone, bad: str) -> None:
    clone.git("revert", "--no-edit", bad)


def revert_merge(clone: Clone, bad: str) -> None:
    clone.git("revert", "--no-edit", "-m", "1", bad)


def revert_of_a_revert_of_a_revert(clone: Clone, bad: str) -> None:
    for _ in range(3):
        clone.git("revert", "--no-edit", bad)
        bad = clone.head()


def revert_part(clone: Clone, bad: str) -> None:
    clone.git("revert", "--no-commit", bad)
    clone.git("checkout", "HEAD", "--", "third.yaml")
    clone.git("commit", "--quiet", "--message", "Take half back, keep third")


def restore_the_file_of_a_commit(clone: Clone, bad: str) -> None:
    """By hand, as a patch of one file."""
    patch = clone.git("diff", bad, f"{bad}~1", "--", "shared.yaml")
    (clone.path / ".git" / "undo.patch").write_text(patch)
    clone.git("apply", "--index", str(clone.path / ".git" / "undo.patch"))
    clone.commit("half 1 again")


def verb(clone: Clone, _: str) -> None:
    clone.git("checkout", "--quiet", "--detach")
    environment = {"RECONCILER_REPO": str(clone.path), "RECONCILER_STATE": str(clone.path.parent / "state")}
    done = CliRunner().invoke(app, ["rollback", "half", "--offline", "--push"], env=environment)
    clone.git("checkout", "--quiet", "main")
    assert done.exit_code == 0, done.output


KINDS: dict[str, tuple[Bad, Callable[[Clone, str], None]]] = {
    "plain": (plainly, revert),
    "merge": (by_a_merge, revert_merge),
    "revert of a revert, reverted": (plainly, revert_of_a_revert_of_a_revert),
    "part of a commit": (with_another, revert_part),
    "a patch by hand": (plainly, restore_the_file_of_a_commit),
    "the verb": (plainly, verb),
    "the verb, after a merge": (by_a_merge, verb),
}


def nothing(_: Clone) -> None:
    pass


def another_file(clone: Clone) -> None:
    clone.write("fourth.yaml", document("fourth", 2))
    clone.commit("fourth 2")


def the_same_file(clone: Clone) -> None:
    clone.change("shared.yaml", document("other", 1), document("other", 2))
    clone.commit("other 2")


def many(clone: Clone) -> None:
    another_file(clone)
    clone.write("fleet.yaml", f"# two servers\n{FLEET}")
    clone.commit("Say how many servers there are")
    the_same_file(clone)
    clone.git("checkout", "--quiet", "-b", "doc")
    clone.write("README", "how to\n")
    clone.commit("Explain")
    clone.git("checkout", "--quiet", "main")
    clone.git("merge", "--quiet", "--no-ff", "--no-edit", "doc")


MEANWHILE: dict[str, Callable[[Clone], None]] = {
    "nothing": nothing,
    "another file": another_file,
    "another model of the same file": the_same_file,
    "many": many,
}


@pytest.fixture
def world() -> Iterator[World]:
    with World(seed=5) as made:
        for name in ("gpu-1", "gpu-2"):
            made.server(name)
        for name in ("half", "other", "third", "fourth"):
            made.model_files(name, 1, 2)
        yield made
        assert made.lost == []
        assert made.troubles == []


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with one commit, to copy from."""
    made = Clone(tmp_path_factory.mktemp("beginning") / "clone")
    made.begin()
    made.write("fleet.yaml", FLEET)
    made.write("shared.yaml", f"{document('half', 1)}---\n{document('other', 1)}")
    made.write("third.yaml", document("third", 1))
    made.write("fourth.yaml", document("fourth", 1))
    made.commit("Begin")
    return made.path


@pytest.fixture
def clone(tmp_path: Path, beginning: Path) -> Clone:
    return Clone(Path(shutil.copytree(beginning, tmp_path / "clone")))


def stable(world: World, name: str) -> set[object]:
    return {world.answers(server, name, "stable") for server in world.servers}


def go_on(world: World, wait: bool) -> None:
    if wait:
        world.run_until_converged()
    else:
        world.run(0.15)  # in the middle of the loads


@pytest.mark.parametrize("wait", [True, False], ids=["reached", "under way"])
@pytest.mark.parametrize("meanwhile", MEANWHILE)
@pytest.mark.parametrize("kind", KINDS)
def test_a_revert_converges(world: World, clone: Clone, kind: str, meanwhile: str, wait: bool) -> None:
    bring, undo = KINDS[kind]
    follow(world, clone)
    world.run_until_converged()
    bad = bring(clone)
    follow(world, clone)
    go_on(world, wait)
    MEANWHILE[meanwhile](clone)
    others = {name: clone.model(name) for name in ("other", "third", "fourth")}
    follow(world, clone)
    go_on(world, wait)
    undo(clone, bad)
    follow(world, clone)
    world.run_until_converged()
    assert clone.model("half") == document("half", 1)
    assert {name: clone.model(name) for name in others} == others
    for name, text in {**others, "half": document("half", 1)}.items():
        version = 2 if "stable: 2" in text else 1
        assert stable(world, name) == {version}
        assert {world.serves(server)[name] for server in world.servers} == {(version,)}


def test_a_revert_of_a_revert_brings_the_change_again(world: World, clone: Clone) -> None:
    bad = plainly(clone)
    revert(clone, bad)
    revert(clone, clone.head())
    follow(world, clone)
    world.run_until_converged()
    assert (clone.model("half"), stable(world, "half")) == (document("half", 2), {2})


def test_a_branch_merged_again_after_its_merge_was_reverted_brings_nothing_back(world: World, clone: Clone) -> None:
    """Git holds it for merged: the model stays where the revert put it, and so do the servers."""
    revert_merge(clone, by_a_merge(clone))
    clone.git("merge", "--quiet", "--no-edit", "feature")
    follow(world, clone)
    world.run_until_converged()
    assert (clone.model("half"), stable(world, "half")) == (document("half", 1), {1})
