"""A mirror that is damaged: how that is told from a disk that is full, and how it is cloned anew.

Used by `adapters/git.py`. The new mirror is complete before the old one is touched, and the old one is set aside and
not deleted, so that a person can look at it; one is kept. Whatever of the old one can still be read is taken over
(its commits are checked on the way, by their ids), because a rewritten branch no longer has what is in force.
"""

import errno
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

import pygit2
from pygit2.enums import RepositoryOpenFlag

from reconciler.adapters.git_remote import GitRemote
from reconciler.adapters.git_session import connected
from reconciler.errors import RevisionMissing

_SUPERSEDED = "refs/reconciler/superseded/*"
_NOT_HEALED = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
    | {errno.ENOTDIR}
)
_NOT_HEALED_WORDS = re.compile(
    r"no space|quota|permission|denied|not permitted|read-only|too many open|not owned|not a directory|make directory",
    re.IGNORECASE,
)


def heals(error: Exception) -> bool:
    """Whether a fresh clone helps against that error; nothing that the disk or the rights are to blame for."""
    if isinstance(error, OSError) and error.errno in _NOT_HEALED:
        return False
    return not _NOT_HEALED_WORDS.search(str(error))


def require_sound(mirror: pygit2.Repository, ref: str) -> None:
    """Look at what every poll stands on: the whole history, and a head with its tree.

    Raises:
        GitError, KeyError: it cannot be used.
    """
    if mirror.is_shallow:
        raise pygit2.GitError("its history is cut off (a shallow clone), so nobody could tell what descends from what")
    head = mirror.references.get(ref)
    if head is not None:
        commit = mirror[head.target].peel(pygit2.Commit)
        mirror[commit.tree_id].peel(pygit2.Tree)


def renewed(path: Path, remote: GitRemote, ref: str) -> Path:
    """Clone the branch into a new mirror at that path; where the old one was set aside.

    Args:
        path: the mirror.
        remote: what it is a mirror of.
        ref: the ref of the new mirror that the branch's head is fetched to.

    Raises:
        SourceUnavailable, RevisionMissing: the remote did not answer, or has no such branch.
        GitError, OSError: the new one cannot be made.
    """
    fresh, aside = (path.with_name(path.name + suffix) for suffix in (".new", ".damaged"))
    shutil.rmtree(fresh, ignore_errors=True)
    pygit2.init_repository(str(fresh), bare=True, initial_head=remote.branch)
    mirror = pygit2.Repository(str(fresh), RepositoryOpenFlag.BARE | RepositoryOpenFlag.NO_SEARCH)
    with connected(mirror, remote) as session:
        if remote.ref not in session.heads:
            raise RevisionMissing(f"{remote.name} has no branch {remote.branch}, so its mirror is not made anew.")
        session.fetch(remote.ref, ref)
    _take_over(mirror, path)
    mirror.free()
    shutil.rmtree(aside, ignore_errors=True)
    if path.exists():
        os.rename(path, aside)  # noqa: PTH104 - the very call, for its promise: at once or not at all
    os.rename(fresh, path)  # noqa: PTH104
    return aside


def _take_over(mirror: pygit2.Repository, old: Path) -> None:
    """The commits of the old mirror's refs, where they can be read; as refs of their own, never as a head."""
    for refs in ("refs/heads/*:refs/reconciler/salvaged/*", f"{_SUPERSEDED}:{_SUPERSEDED}"):
        with suppress(pygit2.GitError, KeyError, ValueError, OSError):
            before = pygit2.Repository(str(old), RepositoryOpenFlag.BARE | RepositoryOpenFlag.NO_SEARCH)
            if not before.is_shallow:  # its commits would look like the beginning of the history
                mirror.remotes.create_anonymous(str(old)).fetch([f"+{refs}"])
