"""A tree of a commit with some files written: git objects in, git objects out, nothing checked out.

Used by `adapters/git_writer.py`. Only regular files are written, only below regular folders: a path that runs through a
symbolic link or a submodule, that git itself would not take, or that differs from an existing one by case alone (two
files that become one on many a disk) is refused.
"""

import re
import unicodedata
from collections.abc import Mapping

import pygit2
from pygit2.enums import FileMode

from reconciler.errors import RevisionRefused

LONGEST_PATH = 4096
LONGEST_NAME = 255

_ODD = re.compile(r"[\x00-\x1f\x7f\\]")
_GIT = re.compile(r"\.git[. ]*|git~\d+", re.IGNORECASE)
_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")  # HFS+ takes `.g\u200cit` for `.git`


def edited(
    repository: pygit2.Repository, base: pygit2.Tree | None, files: Mapping[str, bytes | None]
) -> pygit2.Oid | None:
    """The tree `base` with these files written, None for content removes one; None where nothing is left.

    Raises:
        RevisionRefused: a path cannot be written, or there is nothing to remove; the message names it.
    """
    for path in files:
        _check(path)
    return _folder(repository, base, files, "")


def _folder(
    repository: pygit2.Repository, base: pygit2.Tree | None, files: Mapping[str, bytes | None], above: str
) -> pygit2.Oid | None:
    builder = repository.TreeBuilder(base) if base is not None else repository.TreeBuilder()
    there = {(each.raw_name or b"").decode(errors="surrogateescape"): each for each in base or ()}
    folded = {_fold(name): name for name in there}
    inside: dict[str, dict[str, bytes | None]] = {}
    for path, data in files.items():
        name, _, rest = path.partition("/")
        _alike(folded, name, above)
        if rest:
            inside.setdefault(name, {})[rest] = data
        else:
            _file(repository, builder, there.get(name), (above + name, name, data))
    for name, below in inside.items():
        made = _folder(repository, _tree(there.get(name), above + name), below, f"{above}{name}/")
        if made is not None:
            builder.insert(name, made, FileMode.TREE)
        elif name in there:
            builder.remove(name)
    return builder.write() if len(builder) else None


def _file(
    repository: pygit2.Repository,
    builder: pygit2.TreeBuilder,
    known: pygit2.Object | None,
    write: tuple[str, str, bytes | None],
) -> None:
    path, name, data = write
    if known is not None and known.filemode not in {FileMode.BLOB, FileMode.BLOB_EXECUTABLE}:
        raise RevisionRefused(f"{path} is {_kind(known)} in the repository and is not written. Name a regular file.")
    if data is not None:
        mode = known.filemode if known is not None else FileMode.BLOB
        builder.insert(name, repository.create_blob(data), mode)
    elif known is not None:
        builder.remove(name)
    else:
        raise RevisionRefused(f"{path} is not in the repository, so it cannot be removed.")


def _tree(known: pygit2.Object | None, path: str) -> pygit2.Tree | None:
    if known is None or isinstance(known, pygit2.Tree):
        return known
    raise RevisionRefused(f"{path} is {_kind(known)} in the repository, so nothing can be written below it.")


def _kind(known: pygit2.Object) -> str:
    kinds = {FileMode.LINK: "a symbolic link", FileMode.COMMIT: "a submodule", FileMode.TREE: "a folder"}
    return kinds.get(FileMode(known.filemode), "a file")


def _alike(folded: dict[str, str], name: str, above: str) -> None:
    """Refuse a second name that a disk without case would take for the first."""
    known = folded.setdefault(_fold(name), name)
    if known != name:
        raise RevisionRefused(
            f"{above}{name} differs from {above}{known} by case alone; on many disks these are one file. Use the "
            "name that is there."
        )


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _check(path: str) -> None:
    names = path.split("/")
    shown = path.encode("unicode_escape").decode()[:200]
    if len(path) > LONGEST_PATH or any(len(name.encode(errors="replace")) > LONGEST_NAME for name in names):
        raise RevisionRefused(f"The path {shown}… is too long to be written.")
    if not all(names) or _ODD.search(path) or not {".", ".."}.isdisjoint(names):
        raise RevisionRefused(f"{shown!r} is no path inside a repository: give it from the root, with plain names.")
    if any(_GIT.fullmatch(_IGNORED.sub("", name)) for name in names):
        raise RevisionRefused(f"{shown!r} would be taken for git's own files and is not written.")
