"""The desired-state repository as seen from here: a bare local mirror that follows one branch, forwards only.

Implements the `Source` port. A poll costs one connection and one ref advertisement; objects are fetched only when the
branch moved. What the branch offers is fetched to a ref at the side first and becomes the mirror's head only where it
descends from the head before: a force-push, a reset or a re-created branch is `HistoryRewritten` until a person says
otherwise, and can be examined here meanwhile. The mirror holds every commit it ever followed, so that a rollback never
needs the git host; it is a cache all the same, and is made anew where it is damaged or lost (`git_renewal.py`).

Threads: polling and reading do not wait for each other, so that a silent host never delays healing.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pygit2
from pygit2.enums import RepositoryOpenFlag

from reconciler.adapters import git_renewal
from reconciler.adapters.git_packs import unite_packs
from reconciler.adapters.git_reader import GitReader, listing
from reconciler.adapters.git_remote import GitCredentials, GitRemote, Patience, redact
from reconciler.adapters.git_renewal import require_sound
from reconciler.adapters.git_session import Session, connected
from reconciler.errors import HistoryRewritten, MirrorDamaged, RevisionMissing

__all__ = ["GitCredentials", "GitMirror", "GitReader", "GitRemote", "Patience"]

_SUFFIX = re.compile(r"(?=[~^@:])")  # where the name of a ref ends in `main~1`, `v1^{}`, `main@{1}`


class GitMirror(GitReader):
    """The `Source` port: one branch of a remote repository, mirrored in a folder.

    most_packs: fetches after which the mirror's packs are made one.
    """

    most_packs = 100

    def __init__(self, path: Path, remote: GitRemote) -> None:
        """Nothing is opened, made or asked yet.

        Args:
            path: the mirror's folder in the state directory; made at first use.
            remote: which branch of which repository, and how to get in.
        """
        super().__init__(path)
        self.remote = remote
        self._polling = threading.Lock()
        self._tags: dict[str, str] = {}  # as last written, so that a poll of a thousand old tags writes nothing
        self._offered_ref = f"refs/reconciler/offered/{remote.branch}"

    @property
    def name(self) -> str:
        """The repository's URL without secrets."""
        return self.remote.name

    def head(self) -> str | None:
        """The newest commit of the branch that was accepted, None where nothing was fetched yet."""
        return self._ref(self.remote.ref)

    def offered(self) -> str | None:
        """The head of a rewritten branch that waits to be acknowledged, None where nothing waits."""
        return self._ref(self._offered_ref)

    @property
    def followed(self) -> str:
        """The repository's URL without secrets, and the branch."""
        return f"{self.name} {self.remote.ref}"

    def poll(self, remembered: str | None = None) -> str | None:
        """Ask the remote once for the branch's head and fetch only if it moved; see `ports.Source.poll`.

        Raises:
            SourceUnavailable: the remote did not answer.
            RevisionMissing: it has branches, but not this one.
            HistoryRewritten: the branch no longer descends from the mirror's head.
            MirrorDamaged: the mirror on disk cannot be used.
        """
        with self._polling, self._apart() as mirror:
            require_sound(mirror, self.remote.ref)
            known = self.head() or remembered
            with connected(mirror, self.remote) as session:
                offered = self._bring(session, known)
            self._take_tags(mirror, session.heads)
            if offered is None:
                return None
            accepted = self._accept(mirror, known, offered)
            self._tidy(mirror)
            return accepted

    def renew(self) -> str:
        """Set the mirror aside and clone it anew beside it first; see `ports.Source.renew`."""
        with self._polling:
            with self._turn:
                self._let_go()
            try:
                aside = git_renewal.renewed(self.path, self.remote, self._offered_ref)
            except (pygit2.GitError, KeyError, OSError) as error:
                raise self._damaged(error) from error
            self._tags.clear()
            return str(aside)

    def acknowledge_rewrite(self) -> str:
        """Accept the branch's rewritten head, as it was last offered, as the new mirror head and return its id.

        The commits of the old line stay in the mirror, below refs/reconciler/superseded.

        Raises:
            RevisionMissing: nothing waits to be acknowledged.
        """
        with self._polling, self._apart() as mirror:
            known, offered = self.head(), self.offered()
            if offered is None or offered == known:
                raise RevisionMissing(
                    f"No rewritten history of branch {self.remote.branch} of {self.name} waits to be acknowledged; its "
                    f"head here is {known or 'not fetched yet'}. Run `reconciler sync` to ask the remote again."
                )
            if known is not None:
                mirror.references.create(f"refs/reconciler/superseded/{known}", known, force=True)
            return self._move(mirror, offered)

    def examine(self, revision: str) -> str:
        """Like `resolve`, for any branch or tag of the remote: its newest state is fetched first, beside the mirror's.

        Raises:
            SourceUnavailable: the remote did not answer.
            RevisionMissing: neither the remote nor the mirror knows it.
        """
        parts = _SUFFIX.split(revision, maxsplit=1)
        with self._polling, self._apart() as mirror, connected(mirror, self.remote) as session:
            names = (parts[0], f"refs/heads/{parts[0]}", f"refs/tags/{parts[0]}")
            found = next((name for name in names if name.startswith("refs/") and name in session.heads), None)
            if found is not None and found != self.remote.ref:
                revision = "".join([f"refs/reconciler/examined/{found.removeprefix('refs/')}", *parts[1:]])
                session.fetch(found, _SUFFIX.split(revision, maxsplit=1)[0])
        return self.resolve(revision)

    def _ref(self, name: str) -> str | None:
        if not self.path.exists():
            return None  # reading commands make no mirror
        with self._repository() as mirror:
            found = mirror.references.get(name)
            return None if found is None else str(found.target)

    def _open(self) -> pygit2.Repository:
        if not (self.path / "HEAD").exists():
            pygit2.init_repository(str(self.path), bare=True, initial_head=self.remote.branch)
        mirror = pygit2.Repository(str(self.path), RepositoryOpenFlag.BARE | RepositoryOpenFlag.NO_SEARCH)
        if mirror.references["HEAD"].target != self.remote.ref:  # `HEAD~1` means the branch that is followed
            mirror.set_head(self.remote.ref)
        return mirror

    @contextmanager
    def _apart(self) -> Iterator[pygit2.Repository]:
        """The mirror once more, so that whoever waits for the host keeps nobody from reading."""
        mirror: pygit2.Repository | None = None
        try:
            mirror = self._open()
            yield mirror
        except (pygit2.GitError, KeyError, OSError) as error:
            raise self._damaged(error) from error
        finally:
            if mirror is not None:
                mirror.free()

    def _let_go(self) -> None:
        """Close the mirror: libgit2 shares open packs by path, so a handle that lives on would bring old ones back."""
        if self._opened is not None:
            self._opened.free()
        self._opened = None

    def _damaged(self, error: Exception) -> MirrorDamaged:
        renewable = git_renewal.heals(error)
        why = f"it has no object {error.args[0]}" if isinstance(error, KeyError) else redact(str(error))
        advice = (
            "It is a cache: a service sets it aside and clones it anew by itself, as soon as the remote answers."
            if renewable
            else "Check the disk, its room, and who owns the folder."
        )
        return MirrorDamaged(
            f"The mirror {self.path} of {self.name} cannot be used: {why}. What is in force stays in force. {advice}",
            renewable=renewable,
        )

    def _bring(self, session: Session, known: str | None) -> str | None:
        """What the branch points at now, present in the mirror; None where the repository is empty."""
        offered = session.heads.get(self.remote.ref)
        if offered is None:
            if known is None and not session.branches:
                return None
            raise RevisionMissing(self._without_branch(session, known))
        if offered in (known, self.offered()):
            return offered
        session.fetch(self.remote.ref, self._offered_ref)
        return self.offered()  # a local remote may have moved on since it was asked

    def _take_tags(self, mirror: pygit2.Repository, heads: dict[str, str]) -> None:
        """Name the commits that are here as the advertisement does; it gives annotated tags' commits as `tag^{}`."""
        names = [name for name in heads if name.startswith("refs/tags/") and not name.endswith("^{}")]
        for name in names:
            commit = heads.get(name + "^{}", heads[name])
            if self._tags.get(name) != commit and commit in mirror:
                # A name that libgit2 does not take, or that an older tag is in the way of: only a name is missing.
                with suppress(pygit2.GitError, ValueError, OSError):
                    mirror.references.create(name, commit, force=True)
                self._tags[name] = commit

    def _tidy(self, mirror: pygit2.Repository) -> None:
        with self._turn, suppress(pygit2.GitError, OSError):  # no room to tidy up is no trouble with the branch
            if unite_packs(mirror, self.most_packs):
                self._opened = None  # it has the old packs open

    def _without_branch(self, session: Session, known: str | None) -> str:
        default = f" Its default branch is {session.default.removeprefix('refs/heads/')}." if session.default else ""
        kept = f" Commit {known[:10]}, its last known head, stays in force." if known else " Nothing is in force."
        return (
            f"{self.name} has no branch {self.remote.branch}. Branches there: {listing(session.branches)}.{default}"
            f"{kept} Correct the branch that is followed, or push it."
        )

    def _accept(self, mirror: pygit2.Repository, known: str | None, offered: str) -> str:
        if known is None or offered == known or (known in mirror and mirror.descendant_of(offered, known)):
            return self._move(mirror, offered)
        raise HistoryRewritten(self._rewritten(mirror, known, offered), known=known, offered=offered)

    def _move(self, mirror: pygit2.Repository, offered: str) -> str:
        if offered != self.head():
            mirror.references.create(self.remote.ref, offered, force=True)
        if mirror.references.get(self._offered_ref) is not None:
            mirror.references.delete(self._offered_ref)
        return offered

    def _rewritten(self, mirror: pygit2.Repository, known: str, offered: str) -> str:
        told = (
            f"Branch {self.remote.branch} of {self.name} was rewritten: it points at {offered[:10]} "
            f"({self.commit(offered).subject}), which does not descend from {known[:10]} "
        )
        ways = (
            f"If the new history is meant, run `reconciler acknowledge-rewrite`; if not, push a branch that contains "
            f"{known[:10]}. "
        )
        if known not in mirror:
            return (
                f"{told}that the record names as its last head; the mirror was made anew since and does not have it. "
                f"What is in force stays in force while the service runs. {ways}"
            )
        base = mirror.merge_base(known, offered)
        shared = f"they part at {str(base)[:10]}" if base else "they share no history"
        return (
            f"{told}({self.commit(known).subject}); {shared}. What is in force stays in force. {ways}"
            f"Both are in the mirror: compare with `reconciler plan --from {known[:10]} --to {offered[:10]}`."
        )
