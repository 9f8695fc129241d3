"""What the names in a commit's tree give away: documents that nobody could name in a message, and what is passed over.

Used by `Documents`. A name that cannot be shown is a problem and holds back the commit: leaving such a document out
would take its models off their servers. Links and submodules are never followed, because what they lead to is not part
of the commit; where a document may have been meant, that is a warning. Names are only ever shown and compared; no
file of a repository is written or opened by its name.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from reconciler import parse
from reconciler.ports import LeftOut, TreeFile

LONGEST = 1000
"""Characters of a path: what file systems and messages can hold."""


def odd(files: Sequence[TreeFile]) -> tuple[parse.Problem, ...]:
    """Documents whose names cannot be shown or kept in a checkout."""
    return tuple(problem for each in files if (problem := _odd(each.path)) is not None)


def _odd(path: str) -> parse.Problem | None:
    if len(path) > LONGEST:
        what = f"the path has {len(path)} characters; {LONGEST} are accepted"
        return _of(f"{path[:80]}…", "file-name", what, "move the file")
    if not path.isprintable():
        what = "the name has characters that do not print, such as line ends or control characters"
        return _of(path, "file-name", what, "rename the file")
    return None


def remarks(files: Sequence[TreeFile], left_out: Sequence[LeftOut], below: str) -> tuple[parse.Problem, ...]:
    """Warnings: what is passed over though a document may have been meant, and names that a checkout mixes up."""
    return (*_passed_over(left_out, below), *_unreadable(files), *_alike(files))


def _passed_over(left_out: Sequence[LeftOut], below: str) -> Iterator[parse.Problem]:
    for each in left_out:
        last = each.path.rpartition("/")[2]
        hidden = last.startswith(".") or "/." in each.path
        if parse.concerns(each.path, below) or (not hidden and "." not in last):
            what = f"a {each.kind}, which is never followed: what it leads to is not part of the commit"
            yield _of(each.path, "not-followed", what, "put the documents themselves there, if any are meant")


def _unreadable(files: Sequence[TreeFile]) -> Iterator[parse.Problem]:
    for each in files:
        if "\N{REPLACEMENT CHARACTER}" in each.path:
            yield _of(
                each.path, "file-name", "the name is not UTF-8; what is not is shown as a mark", "rename the file"
            )


def _alike(files: Sequence[TreeFile]) -> Iterator[parse.Problem]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for each in files:
        found[each.path.casefold()].append(each.path)
    for paths in found.values():
        for path in paths[1:]:
            what = (
                f"differs from {paths[0]} in upper and lower case alone; some machines can check out only one of them"
            )
            yield _of(path, "file-name", what, "rename one of the two")


def _of(path: str, rule: str, what: str, to_do: str) -> parse.Problem:
    shown = path if path.isprintable() else path.encode("unicode_escape").decode()
    return parse.Problem(shown, 1, 1, rule, what, to_do)
