"""A commit as text: its difference from its first parent, and the mail that `git am` makes the same commit of.

Used by commands that write commits, to show them before anything is pushed.
"""

import re
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime
from pathlib import Path

import pygit2
from pygit2.enums import RepositoryOpenFlag

from reconciler.errors import RevisionMissing

_CUTS = re.compile(r"^(?=---|diff -|Index: |From )", re.MULTILINE)
"""Lines of a message at which `git am` would take the rest for the patch; a space before them keeps them text."""


def diff(repository: Path, commit_id: str) -> str:
    """What a commit changes, as `git diff` prints it.

    Raises:
        RevisionMissing: there is no such commit.
    """
    opened, commit = _commit(repository, commit_id)
    return _diff(opened, commit).patch or ""


def mail(repository: Path, commit_id: str) -> str:
    """The commit as `git format-patch` writes it. Raises RevisionMissing."""
    opened, commit = _commit(repository, commit_id)
    changes = _diff(opened, commit)
    subject, _, body = commit.message.partition("\n\n")
    when = datetime.fromtimestamp(commit.author.time, tz=UTC)
    head = [
        f"From {commit.id} Mon Sep 17 00:00:00 2001",
        f"From: {Header(commit.author.name, 'utf-8' if not commit.author.name.isascii() else None).encode()} "
        f"<{commit.author.email}>",
        f"Date: {format_datetime(when)}",
        f"Subject: [PATCH] {_header(' '.join(subject.split()))}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=UTF-8",
        "Content-Transfer-Encoding: 8bit",
    ]
    stat = changes.stats.format(pygit2.enums.DiffStatsFormat.FULL, 72) if changes.stats.files_changed else ""
    return "\n".join([*head, "", _CUTS.sub(" ", body.rstrip("\n")), "---", stat.rstrip("\n"), "", changes.patch or ""])


def _header(text: str) -> str:
    return text if text.isascii() else Header(text, "utf-8", maxlinelen=200, header_name="Subject").encode()


def _commit(repository: Path, commit_id: str) -> tuple[pygit2.Repository, pygit2.Commit]:
    opened = pygit2.Repository(str(repository), RepositoryOpenFlag.NO_SEARCH)
    try:
        return opened, opened[commit_id].peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.InvalidSpecError) as error:
        raise RevisionMissing(f"Commit {commit_id} is not in {repository}.") from error


def _diff(repository: pygit2.Repository, commit: pygit2.Commit) -> pygit2.Diff:
    before = (
        commit.parents[0].tree if commit.parents else repository[repository.TreeBuilder().write()].peel(pygit2.Tree)
    )
    return before.diff_to_tree(commit.tree)
