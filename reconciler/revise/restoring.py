"""One Model's document, and the files of its checks, as they were in another commit; nothing else is touched.

Called by `rollback`. Files in, files out; several models of one file are restored one after the other into the same
draft. A document that has moved to another file since is restored where it is now; one that was removed comes back to
the file it was in. Deliberately not here: which commit is gone back to (`target.py`), and whether the result is valid,
which only a reading of the whole tree can tell.
"""

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reconciler import parse
from reconciler.errors import RevisionRefused
from reconciler.parse import checks
from reconciler.parse.documents import ModelDocument
from reconciler.revise.chunks import append_document, cut, replace_document
from reconciler.revise.documents import decoded, find, told


class Snapshot(Protocol):
    """The files of one commit below the watched path."""

    @property
    def short(self) -> str:
        """The commit, as messages name it."""
        ...

    def documents(self) -> Sequence[str]:
        """The paths of its documents' files, ascending."""
        ...

    def read(self, path: str) -> bytes | None:
        """The content of a file, None where there is none."""
        ...


@dataclass(slots=True)
class Draft:
    """What a new commit on top of `head` writes so far, and what must be said of it."""

    head: Snapshot
    below: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def read(self, path: str) -> bytes | None:
        """A file as it will be."""
        return self.files[path] if path in self.files else self.head.read(path)

    def write(self, path: str, data: bytes) -> None:
        """Have a file written, unless it is so already."""
        if data != self.read(path):
            self.files[path] = data


@dataclass(frozen=True, slots=True)
class Old:
    """A Model in the commit that is gone back to: its name there and now, and its file there and now (None: gone)."""

    document: str
    path: str
    now: str
    path_now: str | None


def restore(draft: Draft, target: Snapshot, old: Old) -> None:
    """Write into the draft the document and the check files of a model as they are in `target`.

    Raises:
        RevisionRefused: the document is not there, or a file cannot be edited safely.
    """
    text = _text(target.read(old.path), old.path)
    where = _find(text, old.path, old.document, f"commit {target.short}")
    with told(f"{old.path} in commit {target.short}"):
        chunk = cut(text, where)
    path = old.path_now or old.path
    known = draft.read(path)
    with told(path):
        if old.path_now is not None:
            now = _text(known, path)
            made = replace_document(now, _find(now, path, old.now, f"commit {draft.head.short}"), chunk)
        else:
            made = append_document(_text(known, path) if known is not None else "", chunk)
    draft.write(path, made.encode())
    if old.path_now not in {None, old.path}:
        draft.notes.append(f"{old.now} has moved from {old.path} to {path} since; it is restored there")
    if old.path_now is None:
        draft.notes.append(f"{old.document} is not in the repository any more; it comes back into {path}")
    _restore_checks(draft, target, old)


def _restore_checks(draft: Draft, target: Snapshot, old: Old) -> None:
    for path in _check_files(target.read(old.path) or b"", old.document, draft.below):
        before = target.read(path)
        if before is None or before == draft.read(path):
            continue
        others = sorted(_others(draft, path, {old.document, old.now}))
        if others:
            draft.notes.append(
                f"{path}, which a check of {old.document} asks with, has changed since; it stays as it is, because "
                f"{', '.join(others[:3])} asks with it too"
            )
            continue
        draft.write(path, before)
        draft.notes.append(f"{path}, which a check of {old.document} asks with, is restored too")


def _check_files(data: bytes, document: str, below: str) -> list[str]:
    """The files that the checks of a Model name, from the repository's root."""
    said = next((each for each in parse.parse_file(data).models if each.model.document == document), None)
    return sorted({posixpath.join(below.strip("/"), path) for path in _named(said)})


def _named(said: ModelDocument | None) -> Iterator[str]:
    return checks.named(said) if said is not None else iter(())


def _others(draft: Draft, check: str, own: set[str]) -> Iterator[str]:
    """Other Models of the head whose checks ask with that file."""
    sought = posixpath.basename(check).encode()
    for path in draft.head.documents():
        data = draft.head.read(path) or b""
        if sought not in data:
            continue
        for said in parse.parse_file(data).models:
            paths = {posixpath.join(draft.below.strip("/"), each) for each in _named(said)}
            if said.model.document not in own and check in paths:
                yield said.model.document


def _text(data: bytes | None, path: str) -> str:
    if data is None:
        raise RevisionRefused(f"{path} is not there.")
    return decoded(path, data)


def _find(text: str, path: str, document: str, where: str) -> int:
    found = find([(path, text)], "Model", document)
    if found is None:
        raise RevisionRefused(f"{path} has no Model {document} in {where}.")
    return found.document
