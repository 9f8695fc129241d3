"""The two commits of `plan --from REF --to REF`: which one servers are taken to be at, and what is planned.

Called by `planning.py`. FROM is where servers are: where its documents are not valid they stay at the last valid commit
before it, as a service does. TO is what is planned, or the result of merging it into FROM (`--merge`), which is what a
pull request does: FROM and TO as they stand would also take back what FROM got since the branch was made.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from reconciler.adapters import git_merging
from reconciler.adapters.git_reader import GitReader
from reconciler.cli import repository
from reconciler.cli.exits import Misused
from reconciler.cli.options import ReferenceOptions, RepositoryOptions
from reconciler.errors import RevisionMissing
from reconciler.expose import words
from reconciler.state.desired import Commit, Desired

LAST_VALID = 100
"""Commits before FROM that are searched for a valid one."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Both ends: what servers are taken to be at, what is planned, and what must be known of how that came about.

    head: the commit that `--to` names.
    """

    base: Desired
    head: str
    wanted: repository.Wanted
    known_warnings: frozenset[str]
    notices: tuple[str, ...] = ()


def compared(source: GitReader, options: RepositoryOptions, references: ReferenceOptions, *, merge: bool) -> Compared:
    """Read both commits.

    Raises:
        DesiredInvalid: what is planned has problems.
        MergeConflict: the two cannot be merged.
        SourceError: the repository cannot give a commit.
        Misused: a merge without --from.
    """
    if references.from_ is None:
        raise Misused("--merge needs --from REF: the branch that is merged into, such as --from origin/main.")
    into = repository.commit_named(source, references.from_, options)
    head = repository.commit_named(source, references.to, options)
    base, known, notices = _base(source, into, options.path)
    with _planned(source, into, head, merge=merge) as (found, said):
        wanted = repository.wanted(found.source, found.commit, options.path)
    theirs = source.commit(head)
    if found.made:  # people know their own commit; the message of the one that is to come is not written yet
        desired = replace(wanted.desired, commit=replace(theirs, trailers=()))
        wanted = replace(wanted, desired=desired)
    return Compared(base, head, wanted, known, (*said, *notices, *_trailers(theirs, made=found.made)))


@contextmanager
def _planned(
    source: GitReader, into: str, head: str, *, merge: bool
) -> Iterator[tuple[git_merging.Merge, tuple[str, ...]]]:
    if not merge:
        yield git_merging.Merge(source, head, made=False), tuple(_apart(source, into, head))
        return
    with git_merging.merged(source, into, head) as found:
        ours, theirs = (source.commit(each) for each in (into, head))
        yield found, (_merging(ours, theirs, found),)


def _merging(ours: Commit, theirs: Commit, found: git_merging.Merge) -> str:
    text = f'Planned is what merging {theirs.short} "{theirs.subject}" into {ours.short} "{ours.subject}" gives'
    if found.made:
        return f"{text}, computed here without touching the repository."
    return f"{text}; {'it contains that already' if found.commit == theirs.id else 'that contains it already'}."


def _apart(source: GitReader, into: str, head: str) -> Iterator[str]:
    """What a plan between commits of two lines silently includes."""
    missing = git_merging.ahead(source, into, head)
    if missing and not git_merging.ahead(source, head, into):
        yield f"{head[:10]} is older than {into[:10]}: this plan goes back {words.count(missing, 'commit')}."
    elif missing:
        commits = "a commit" if missing == 1 else f"{missing} commits"
        yield (
            f"{head[:10]} lacks {commits} of {into[:10]}, so this plan takes back what they did. "
            "Merging would not: add --merge to see what it gives."
        )


def _base(source: GitReader, commit: str, below: str) -> tuple[Desired, frozenset[str], tuple[str, ...]]:
    """What servers are at: the commit, or the last valid one before it; nothing where it has no such folder yet."""
    try:
        parsed = repository.at_commit(source, commit, below)
    except RevisionMissing:
        source.files(commit)  # the commit itself has to be there
        return Desired(source.commit(commit)), frozenset(), (f"{commit[:10]} has no folder {below}: all is new.",)
    if parsed.desired is not None:
        return parsed.desired, frozenset(map(_unplaced, map(str, parsed.warnings))), ()
    found = _last_valid(source, commit, below)
    where = f"the last valid commit before it, {found.commit.short}" if found.servers else "nothing"
    return (
        found,
        frozenset(),
        (f"{commit[:10]} is not valid itself; this plan starts from {where}, as a service does.",),
    )


def _last_valid(source: GitReader, commit: str, below: str) -> Desired:
    for each in source.history(commit, LAST_VALID)[1:]:
        try:
            parsed = repository.at_commit(source, each.id, below)
        except RevisionMissing:
            break
        if parsed.desired is not None:
            return parsed.desired
    return Desired(source.commit(commit))


def _unplaced(line: str) -> str:
    """A warning without its line and column, which move when something else in its file does."""
    place, _, rest = line.partition(" ")
    return f"{place.split(':')[0]} {rest}"


def is_known(line: str, known: frozenset[str]) -> bool:
    """Whether the base has that warning as well."""
    return _unplaced(line) in known


def _trailers(head: Commit, *, made: bool) -> Iterator[str]:
    """Consent counts only in the message of the commit that lands on the branch."""
    said = [f"{key}: {value}" for key, value in head.trailers if key.lower() in {"model-prune", "blast-radius"}]
    if said and made:
        yield (
            f"{head.short} says `{'`, `'.join(said)}`. That counts only if the message of the commit that lands on the "
            "branch says it: put it into the message of the merge or squash commit."
        )
