"""Bringing one commit to one ref of a git host: forwards only, and only from where the ref is expected to be.

Used by `adapters/git_writer.py`, and by whoever keeps a ref of its own. A repository on this machine is pushed to by
git itself, because libgit2 would pass by its hooks; any other by libgit2. What the host answers is not taken for the
truth where it is unclear: the ref is looked at once more, so that a push whose answer was lost is not made twice.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pygit2
from pygit2.enums import RepositoryOpenFlag
from pygit2.remotes import PushUpdate

from reconciler.adapters.git_remote import GitRemote, redact
from reconciler.adapters.git_session import Guard, connected
from reconciler.errors import BranchMoved, PushRefused, SourceUnavailable

_NOWHERE = "0" * 40
_RACED = re.compile(
    r"fast-?forward|not present locally|fetch first|stale info|lock ref|update ref|already exists|reference.*changed",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(r"status code: 40[13]|denied|not allowed|read.only|permission", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Push:
    """One commit for one ref. expected: what the ref must point at now, None where it must not exist."""

    commit: str
    ref: str
    expected: str | None


class _Refused(Exception):
    """The host said no to this ref, in these words."""


def push(mirror: Path, remote: GitRemote, order: Push) -> None:
    """Push; return also where the ref is there already.

    Raises:
        BranchMoved: the ref is not where it was expected; nothing was pushed.
        PushRefused: the host turned the push down: a protected branch, a hook, missing rights; in its own words.
        SourceUnavailable: the host did not answer.
    """
    try:
        if remote.folder is not None:
            _by_git(mirror, remote, order)
        else:
            _by_libgit2(mirror, remote, order)
    except (_Refused, pygit2.GitError, OSError, ValueError, subprocess.SubprocessError) as error:
        _judge(mirror, remote, order, redact(str(error).strip()))


def _judge(mirror: Path, remote: GitRemote, order: Push, words: str) -> None:
    """What a failed push means, once the host was asked where the ref is now."""
    with connected(_opened(mirror), remote) as session:
        now = session.heads.get(order.ref)
    if now == order.commit:
        return
    if now != order.expected or _RACED.search(words):
        raise _moved(remote, order, now)
    if "checked out" in words:
        raise PushRefused(
            f"{_short(order.ref)} is checked out in {remote.name}, and git does not change it under whoever works "
            "there. Nothing was changed. To do: push to a branch of its own (`--branch`), or apply the commit there "
            "(`--print | git am`)."
        )
    if _FORBIDDEN.search(words):
        words += ". The credentials may read this repository and not write to it, or not to this branch"
    raise PushRefused(
        f"{remote.name} refused the push to {_short(order.ref)}: {words.rstrip('.')}. Nothing was changed there. To "
        "do: where the branch is protected, push to a branch of its own (`--branch`) and open a pull request; or "
        "allow the reconciler's account to push."
    )


def _moved(remote: GitRemote, order: Push, now: str | None) -> BranchMoved:
    where = f"is at {now[:10]}" if now else "does not exist"
    if order.expected is None:
        return BranchMoved(
            f"{_short(order.ref)} of {remote.name} {where} already, and nothing was pushed. To do: give the branch "
            "another name, or delete that one."
        )
    return BranchMoved(
        f"{_short(order.ref)} of {remote.name} {where} and was expected at {order.expected[:10]}: somebody else was "
        "first, and nothing was pushed. To do: make the commit anew on what is there now."
    )


def _by_libgit2(mirror: Path, remote: GitRemote, order: Push) -> None:
    repository = _opened(mirror)
    with connected(repository, remote) as session:  # settings, and whether it answers at all
        if session.heads.get(order.ref) == order.commit:
            return
    guard = _Expecting(remote, order)
    connection = repository.remotes.create_anonymous(remote.address)
    connection.push([f"{order.commit}:{order.ref}"], callbacks=guard, proxy=True)
    if guard.refused is not None:
        raise _Refused(guard.refused)


class _Expecting(Guard):
    """What libgit2 asks while it pushes; stops where the ref is not where it was expected."""

    def __init__(self, remote: GitRemote, order: Push) -> None:
        super().__init__(remote)
        self._order = order
        self._said = ""
        self.refused: str | None = None

    def push_negotiation(self, updates: list[PushUpdate]) -> None:
        """The host has said where its refs are; nothing was sent yet."""
        for each in updates:
            if str(each.src) != (self._order.expected or _NOWHERE):
                now = None if str(each.src) == _NOWHERE else str(each.src)
                raise _moved(self._target, self._order, now)

    def sideband_progress(self, string: str) -> None:
        """Keep what the host's hooks print, the last of it."""
        self._said = (self._said + string)[-2000:]

    def push_update_reference(self, refname: str, message: str | None) -> None:
        """The host's verdict on the ref."""
        if message is not None:
            said = " ".join(self._said.split())
            self.refused = f"{message} ({said})" if said else message


def _by_git(mirror: Path, remote: GitRemote, order: Push) -> None:
    if remote.folder is None or not remote.folder.is_dir():
        raise SourceUnavailable(f"The repository {remote.name} does not answer: there is no directory {remote.folder}.")
    lease = f"--force-with-lease={order.ref}:{order.expected or ''}"
    command = ["git", f"--git-dir={mirror}", "push", "--porcelain", lease]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {key: os.environ[key] for key in os.environ if key.startswith("GIT_CONFIG")}
    done = subprocess.run(  # noqa: S603 - a list, no shell; the address is a folder's absolute path
        [*command, "--", str(remote.folder.absolute()), f"{order.commit}:{order.ref}"],
        env={**environment, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
        capture_output=True,
        timeout=remote.patience.fetch,
        check=False,
    )
    if done.returncode != 0:
        raise _Refused(_words(done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")))


def _words(out: str, err: str) -> str:
    """What git and the hooks of the repository say, on one line."""
    verdict = next((line.split("\t")[-1] for line in out.split("\n") if line.startswith("!")), "")
    hooks = [line.removeprefix("remote:").strip() for line in err.split("\n") if line.startswith("remote:")]
    said = " ".join(each for each in hooks if each) or ("" if verdict else " ".join(err.split()))
    return (f"{verdict} ({said})" if verdict and said else verdict or said)[:2000]


def _opened(mirror: Path) -> pygit2.Repository:
    return pygit2.Repository(str(mirror), RepositoryOpenFlag.BARE | RepositoryOpenFlag.NO_SEARCH)


def _short(ref: str) -> str:
    return f"branch {ref.removeprefix('refs/heads/')}" if ref.startswith("refs/heads/") else ref
