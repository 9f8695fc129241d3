"""Models in files: where one is written, and its labels and versions set in place.

Called by rollback, promotion and bots. Texts in, texts out; every message of a refusal speaks of one file, and `told`
adds which. Deliberately not here: whether a change is allowed, and what it costs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from reconciler.errors import RevisionRefused
from reconciler.parse.nodes import Data
from reconciler.revise.spans import values
from reconciler.revise.splice import drop, insert, put

_LABELS = ("spec", "labels")
_VERSIONS = ("spec", "versions")
_SPECIFIC = ("spec", "versions", "specific")


@dataclass(frozen=True, slots=True)
class Where:
    """One document: the file's path, and which of its documents it is, from 0."""

    path: str
    document: int


@contextmanager
def told(path: str) -> Iterator[None]:
    """Let every refusal inside say which file it is about."""
    try:
        yield
    except RevisionRefused as error:
        if str(error).startswith(f"{path}: "):
            raise
        raise RevisionRefused(f"{path}: {error}") from error


def decoded(path: str, data: bytes) -> str:
    """The text of a file's bytes; its byte order mark stays.

    Raises:
        RevisionRefused: it is not UTF-8.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise RevisionRefused(
            f"{path}: byte {error.start + 1} is not UTF-8, so nothing in this file can be edited. To do: save it as "
            "UTF-8 first."
        ) from error


def find(files: Iterable[tuple[str, str]], kind: str, name: str) -> Where | None:
    """The first document of that kind and `metadata.name`, None where there is none.

    Files in which the name does not occur are passed over unread.

    Raises:
        RevisionRefused: a file that may hold it cannot be read as YAML.
    """
    for path, text in files:
        if name in text:
            with told(path):
                names = list(named(text))
            if (kind, name) in names:
                return Where(path, names.index((kind, name)))
    return None


def named(text: str) -> Iterator[tuple[str, str] | None]:
    """Kind and `metadata.name` of every document, None for one that has not both."""
    for data in values(text):
        kind, name = _at(data, ("kind",)), _at(data, ("metadata", "name"))
        yield (kind, name) if isinstance(kind, str) and isinstance(name, str) else None


def set_labels(text: str, document: int, labels: Mapping[str, int | None]) -> str:
    """Point these labels of a Model at these versions; None removes a label; others stay.

    A version that was written as a text stays a text.

    Raises:
        RevisionRefused: the file cannot be edited safely, or the label to remove is not there.
    """
    for label, version in labels.items():
        before = _at(values(text)[document], (*_LABELS, label))
        if version is None:
            text = drop(text, document, (*_LABELS, label))
        elif not _is(before, version):
            text = put(text, document, (*_LABELS, label), _like(before, version))
    return text


def set_versions(text: str, document: int, versions: Sequence[int]) -> str:
    """Make these the `specific` versions of a Model, keeping what is written of those that stay.

    A new version goes where it belongs in an ascending list, and to the end of any other.

    Raises:
        RevisionRefused: the file cannot be edited safely.
    """
    written = _at(values(text)[document], _SPECIFIC)
    if not isinstance(written, list) or not written:
        return put(text, document, _VERSIONS, {"specific": list(versions)})
    for version in versions:
        if not any(_is(each, version) for each in written):
            index = _place(written, version)
            value = _like(written[0], version)
            text = insert(text, document, (*_SPECIFIC, index), value)
            written = [*written[:index], value, *written[index:]]
    for index in range(len(written) - 1, -1, -1):
        if not any(_is(written[index], version) for version in versions):
            text = drop(text, document, (*_SPECIFIC, index))
    return text


def _place(written: list[Data], version: int) -> int:
    numbers = [int(each) if isinstance(each, int | str) and str(each).isdigit() else -1 for each in written]
    if numbers != sorted(numbers):
        return len(numbers)
    return sum(number < version for number in numbers)


def _at(data: Data, path: Sequence[str]) -> Data:
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data


def _is(written: Data, version: int) -> bool:
    return (
        not isinstance(written, bool) and written in {version, str(version)}
        if isinstance(written, int | str)
        else False
    )


def _like(before: Data, version: int) -> int | str:
    return str(version) if isinstance(before, str) else version
