"""The desired-state repository for the command line: opening it, reading a commit of it, reading a plain folder.

Called by every verb that needs documents. A repository in a local folder is read where it lies; any other through a
mirror in the state directory: the service's own where it is followed, one beside it where it is only read, so that a
`plan` never gets in the way of a running service.
"""

import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler import parse
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.git import GitCredentials, GitMirror, GitReader, GitRemote
from reconciler.adapters.lock import StateDirectory
from reconciler.cli import verb, verification
from reconciler.cli.exits import Misused
from reconciler.cli.options import RepositoryOptions
from reconciler.errors import HistoryRewritten, MirrorDamaged, RevisionMissing
from reconciler.ports import Ledger, Source
from reconciler.source import Baseline, Documents, Judged, Pauses, Pins, Terms, Watch
from reconciler.state.desired import Commit, Desired


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a commit asks for, and its warnings as printable lines."""

    desired: Desired
    warnings: tuple[str, ...]


def remote(options: RepositoryOptions) -> GitRemote:
    """Where the repository is and how to get in. Raises Misused for an address that is none."""
    environment = dict(os.environ)
    if options.git_token_file is not None:
        environment["RECONCILER_GIT_TOKEN_FILE"] = str(options.git_token_file)
    if options.git_ssh_key is not None:
        environment["RECONCILER_GIT_SSH_KEY"] = str(options.git_ssh_key)
    try:
        return GitRemote(options.address, options.branch, GitCredentials.from_environment(environment))
    except ValueError as error:
        raise Misused(f"{error}.") from error


def mirror(options: RepositoryOptions, state: Path) -> GitMirror:
    """The mirror that a service follows."""
    directory = StateDirectory(state)
    directory.create()
    return GitMirror(directory.mirror, remote(options))


def for_reading(options: RepositoryOptions, state: Path) -> GitReader:
    """A source that is only read: the folder itself, or a mirror that no service uses."""
    where = remote(options)
    if where.folder is not None:
        return GitReader(where.folder)
    directory = StateDirectory(state)
    directory.create()
    return GitMirror(directory.path / "reading.git", where)


def head(source: Source, options: RepositoryOptions, remembered: str | None = None) -> str:
    """The branch's head, after asking the remote once.

    remembered: the head that was accepted last, by the record; for the mirror that a service follows.

    Raises:
        SourceUnavailable: the remote did not answer.
        RevisionMissing: there is no such branch, or no commit on it yet.
    """
    if not isinstance(source, GitMirror):
        return source.resolve(f"refs/heads/{options.branch}")
    try:
        found = _polled(source, remembered)
    except HistoryRewritten as error:
        if source.path.name != "reading.git":
            raise
        verb.say(f"warning: {error} This plan is for the rewritten branch, which a service refuses until then.")
        found = source.acknowledge_rewrite()
    if found is None:
        raise RevisionMissing(f"{source.name} has no commit on branch {options.branch} yet. Push one.")
    return found


def _polled(source: GitMirror, remembered: str | None) -> str | None:
    try:
        return source.poll(remembered)
    except MirrorDamaged as error:
        if not error.renewable:
            raise
        verb.say(f"warning: {error} The old one was set aside: {source.renew()}.")
        return source.poll(remembered)


def commit_named(source: Source, revision: str | None, options: RepositoryOptions) -> str:
    """The commit id of a revision; of the branch's head where none is given. Raises SourceError."""
    if revision is None:
        return head(source, options)
    if not isinstance(source, GitMirror):
        return source.resolve(revision)
    head(source, options)  # the mirror may be new, or older than what is asked for
    return source.examine(revision)


def followed(source: GitMirror, options: RepositoryOptions, ledger: Ledger) -> Watch:
    """What decides which commit is in force, for a service. Raises Misused where it is not said which keys count."""
    terms = Terms(Pauses(chance=random.random), verification.trust(options, source))
    return Watch(source, Documents(source, options.path), ledger, SystemClock(), terms)


def baseline(source: Source, below: str, ledger: Ledger) -> Baseline:
    """With what a commit is compared for its blast radius."""
    documents = Documents(source, below)
    return Baseline(ledger, lambda commit: documents.at(commit).desired)


def pins(source: Source, below: str, ledger: Ledger) -> Pins:
    """What lays local pins over what a commit asks for."""
    documents = Documents(source, below)
    return Pins(ledger, lambda commit: documents.at(commit).desired, SystemClock().now)


def at_commit(source: Source, commit_id: str, below: str) -> parse.Parsed:
    """What a commit asks for, or its problems. Raises RevisionMissing."""
    return Documents(source, below).at(commit_id)


def verified(source: GitReader, commit_id: str, options: RepositoryOptions, in_force: str | None) -> Judged:
    """The verdict on the signature of a commit that may be put in force, where `--verify` asks for one.

    Args:
        source: the repository.
        commit_id: the commit that shall be put in force, or planned for.
        options: what must be signed, and whose keys are trusted.
        in_force: the commit in force by the record, None where there is none.

    Raises:
        SourceUnverified: it is not signed as it must be.
        Misused: it is not said whose keys are trusted.
    """
    return verification.trust(options, source).require(source.commit(commit_id), in_force)


def wanted(source: Source, commit_id: str, below: str) -> Wanted:
    """What a commit asks for.

    Raises:
        DesiredInvalid: the commit has problems.
        RevisionMissing: there is no such commit or path.
    """
    parsed = at_commit(source, commit_id, below)
    return Wanted(parsed.require(), tuple(str(each) for each in parsed.warnings))


def in_folder(folder: Path) -> parse.Parsed:
    """What the documents of a plain folder ask for, whether or not git knows it."""
    files, cache = list(_files(folder)), parse.Cache()
    files += _beside(folder, parse.beside(files, cache))
    return parse.parse(Commit("", subject="the working folder"), files, cache=cache)


def _beside(folder: Path, named: Iterable[str]) -> Iterator[parse.SourceFile]:
    """The files that checks name; no links, because a commit does not hold what they lead to."""
    for name in named:
        path = folder / name
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                yield parse.SourceFile(name, str(path), file.read(parse.MAX_CHECK_BYTES + 1))


def _files(folder: Path) -> Iterator[parse.SourceFile]:
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name = path.relative_to(folder).as_posix()
        if parse.concerns(name):
            with path.open("rb") as file:
                data = file.read(parse.MAX_BYTES + 1)
            yield parse.SourceFile(name, str(path), data)
