"""Commits for the command line: the mirror they are made in, who makes them, and where they go.

Called by `rollback` and `promote`. A commit is made in a mirror that no service uses and pushed from there; where
somebody else pushed first it is made anew on what is there then, so that nothing of theirs is lost.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from reconciler.adapters.git import GitMirror, GitRemote
from reconciler.adapters.git_signing import SigningKey
from reconciler.adapters.git_writer import GitWriter, Identity
from reconciler.adapters.lock import StateDirectory
from reconciler.cli import repository, verb, verification
from reconciler.cli.exits import Misused
from reconciler.cli.options import CommitOptions, DestinationOptions
from reconciler.errors import BranchMoved, SourceError, SourceUnavailable
from reconciler.ports import Revisions

T = TypeVar("T")

MEANWHILE = (
    "While git cannot be reached, `reconciler rollback MODEL --local --ttl 2h --reason …` holds a model to its last "
    "good state without it."
)

TRIES = 5
"""How often a commit is made anew because somebody else pushed first."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where commits are made."""

    mirror: GitMirror
    writer: Revisions


def workplace(options: CommitOptions, state: Path) -> Workplace:
    """The mirror and whoever commits. Raises Misused for an address, a key or a name that is none."""
    directory = StateDirectory(state)
    directory.create()
    mirror = GitMirror(directory.path / "reading.git", repository.remote(options.repository))
    try:
        given = {"RECONCILER_GIT_SIGNING_KEY": options.signing_key} if options.signing_key else {}
        environment = {**os.environ, **given}
        signing, person = SigningKey.from_environment(environment), Identity.of_person(environment)
    except ValueError as error:
        raise Misused(f"{error}.") from error
    writer = GitWriter(mirror, person, signing)
    return Workplace(mirror, verification.guarded(options.repository, mirror, writer))


def head(place: Workplace, options: CommitOptions, destination: DestinationOptions) -> str:
    """The followed branch's head; where the host does not answer and nothing is pushed, as it was last seen.

    Raises:
        SourceUnavailable: the host did not answer, and the commit was to be pushed or nothing is known.
    """
    try:
        return repository.head(place.mirror, options.repository)
    except SourceUnavailable as error:
        known = None if destination.push or destination.branch is not None else _known(place.mirror)
        if known is None:
            raise SourceUnavailable(f"{error} {MEANWHILE}") from error
        verb.say(f"warning: {error} Shown is what would be made on {known[:10]}, its last known head. {MEANWHILE}")
        return known


def _known(mirror: GitMirror) -> str | None:
    """The newest head that is known without the host: the service on this state directory may have seen a newer one."""
    followed = StateDirectory(mirror.path.parent).mirror
    if (followed / "HEAD").exists():
        with suppress(SourceError):  # not newer than what is here, or not to be read
            return GitMirror(mirror.path, GitRemote(str(followed), mirror.remote.branch)).poll()
    return mirror.head()


def delivered(
    place: Workplace, options: CommitOptions, destination: DestinationOptions, make: Callable[[str], tuple[str, T]]
) -> tuple[str, T]:
    """Make a commit on the head and bring it where it shall go; anew where the followed branch moved meanwhile.

    Args:
        place: where commits are made.
        options: which branch is built on.
        destination: where the commit goes.
        make: from the head's id to the new commit's, with whatever is to be told of it.

    Raises:
        BranchMoved: somebody else was first every time, or the own branch is taken.
        PushRefused: the host turned it down.
        SourceError: the host does not answer.
    """
    for tries in range(1, TRIES + 1):
        made, told = make(head(place, options, destination))
        if not destination.push and destination.branch is None:
            return made, told
        try:
            place.writer.push(made, destination.branch)
        except BranchMoved as error:
            if destination.branch is not None or tries == TRIES:
                raise
            verb.say(f"{error} Made anew ({tries} of {TRIES - 1}).")
        else:
            return made, told
    raise AssertionError("the last try returns or raises")
