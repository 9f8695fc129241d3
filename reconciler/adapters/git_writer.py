"""Makes commits in the bare mirror and brings them to the remote: the `Revisions` port.

Used by `rollback`, `promote` and the service's bots. A commit is made of objects only: nothing is checked out and no
branch of the mirror moves, so that whoever follows the branch sees it when the remote has taken it and not before.
"""

import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pygit2
from pygit2.enums import RepositoryOpenFlag

from reconciler.adapters import git_push, git_trees
from reconciler.adapters.git import GitMirror
from reconciler.adapters.git_signing import SigningKey, sign
from reconciler.errors import MirrorDamaged, RevisionMissing, RevisionRefused
from reconciler.state.revision import Revision

_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+-]{0,199}")
_UNFIT = re.compile(r"[<>\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who commits. Raises ValueError for what git cannot write into a commit."""

    name: str
    email: str

    def __post_init__(self) -> None:
        for each in (self.name, self.email):
            if not each.strip() or _UNFIT.search(each):
                raise ValueError(f"{each!r} cannot stand in a commit. Give a name and an address without < and >")

    @staticmethod
    def of_bot(environment: Mapping[str, str]) -> "Identity":
        """Who commits for the reconciler itself: RECONCILER_GIT_AUTHOR_NAME and _EMAIL, or a name that says so."""
        host = _UNFIT.sub("", socket.gethostname()) or "localhost"
        return Identity(
            environment.get("RECONCILER_GIT_AUTHOR_NAME") or "reconciler",
            environment.get("RECONCILER_GIT_AUTHOR_EMAIL") or f"reconciler@{host}",
        )

    @staticmethod
    def of_person(environment: Mapping[str, str]) -> "Identity":
        """Who calls a command: the variables of `of_bot`, else git's own, else git's settings of this user."""
        known = _settings(environment)
        name = environment.get("GIT_AUTHOR_NAME") or known.get("user.name") or ""
        email = environment.get("GIT_AUTHOR_EMAIL") or known.get("user.email") or ""
        bot = Identity.of_bot(environment)
        own = "RECONCILER_GIT_AUTHOR_NAME" in environment or not (name.strip() and email.strip())
        return bot if own else Identity(_UNFIT.sub("", name), _UNFIT.sub("", email))


def _settings(environment: Mapping[str, str]) -> dict[str, str | None]:
    """Who git's settings say this user is; libgit2 does not look at GIT_CONFIG_GLOBAL, git does."""
    try:
        path = environment.get("GIT_CONFIG_GLOBAL")
        config = pygit2.Config(path) if path else pygit2.Config.get_global_config()
        return {key: config[key] for key in ("user.name", "user.email") if key in config}
    except (OSError, pygit2.GitError):  # this user has none
        return {}


class GitWriter:
    """The `Revisions` port on a mirror.

    Args of the constructor: the mirror, which holds every base; who commits; the key that signs, None for none; what
    tells the time in seconds since the epoch.
    """

    def __init__(
        self,
        mirror: GitMirror,
        identity: Identity,
        signing: SigningKey | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._mirror = mirror
        self._identity = identity
        self._signing = signing
        self._now = now

    def write(self, revision: Revision) -> str:
        """Make the commit in the mirror; see `ports.Revisions.write`.

        Raises:
            RevisionMissing: the base is not in the mirror.
            RevisionRefused: a path cannot be written, nothing would change, or the commit cannot be signed.
            MirrorDamaged: the mirror cannot be read or written.
        """
        with self._opened() as repository:
            base = self._base(repository, revision.base)
            tree = git_trees.edited(repository, base.tree, dict(revision.files))
            tree = tree if tree is not None else repository.TreeBuilder().write()
            if tree == base.tree.id:
                raise RevisionRefused(
                    f"The commit would change nothing: every file is as in {revision.base[:10]} already."
                )
            return self._commit(repository, revision, tree)

    def push(self, commit_id: str, branch: str | None = None) -> None:
        """Push to the followed branch, or to a branch of its own; see `ports.Revisions.push`.

        Raises:
            BranchMoved: the branch is not where the commit stands on, or the own branch exists with another commit.
            PushRefused: the remote turned it down.
            SourceUnavailable: the remote did not answer.
            RevisionMissing: the mirror has no such commit.
            RevisionRefused: the branch's name is none.
        """
        remote = self._mirror.remote
        if branch is not None:
            _check_branch(branch)
        own = branch is not None and branch != remote.branch
        with self._opened() as repository:
            parents = self._base(repository, commit_id).parent_ids
        expected = None if own or not parents else str(parents[0])
        order = git_push.Push(commit_id, f"refs/heads/{branch or remote.branch}", expected)
        git_push.push(self._mirror.path, remote, order)

    def _commit(self, repository: pygit2.Repository, revision: Revision, tree: pygit2.Oid) -> str:
        who = pygit2.Signature(self._identity.name, self._identity.email, int(self._now()), 0)
        if self._signing is None:
            return str(repository.create_commit(None, who, who, revision.message, tree, [revision.base]))
        content = str(repository.create_commit_string(who, who, revision.message, tree, [revision.base]))
        return str(repository.create_commit_with_signature(content, sign(self._signing, content)))

    def _base(self, repository: pygit2.Repository, commit_id: str) -> pygit2.Commit:
        try:
            return repository[commit_id].peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.InvalidSpecError) as error:
            raise RevisionMissing(
                f"Commit {commit_id[:10]} is not in the mirror {self._mirror.path}, so nothing can be made of it."
            ) from error

    @contextmanager
    def _opened(self) -> Iterator[pygit2.Repository]:
        """A handle of its own, so that nobody who reads waits for it."""
        try:
            yield pygit2.Repository(str(self._mirror.path), RepositoryOpenFlag.BARE | RepositoryOpenFlag.NO_SEARCH)
        except (pygit2.GitError, OSError) as error:
            raise MirrorDamaged(
                f"No commit could be made in the mirror {self._mirror.path} of {self._mirror.name}: {error}. Check the "
                "disk and who owns the folder."
            ) from error


def _check_branch(name: str) -> None:
    odd = name.endswith(("/", ".", ".lock")) or any(each in name for each in ("..", "//", "/.", ".lock/", "@{"))
    if odd or not _BRANCH.fullmatch(name):
        raise RevisionRefused(f"{name!r} is no name for a branch. Use letters, digits, `-`, `_`, `.` and `/`.")
