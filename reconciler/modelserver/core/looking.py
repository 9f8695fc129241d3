"""Looking at the disk: which versions are there, and whether a version directory can be read through.

Both are questions to the owner, because both may take long: a ``Look`` is one poll over all models, a ``Measure`` the
walk that estimates a version's size. Their ``run`` uses nothing but the disk, so an owner may run it in any thread and
hand the answer to ``Core.answered``.

Sources: ``PollFileSystemForConfig`` in ``sources/storage_path/file_system_storage_path_source.cc``; for the walk
``GetModelDiskSize`` in ``servables/tensorflow/util.cc``; for joining paths ``JoinPathImpl`` in TensorFlow's
``platform/path.cc``. Deliberately not here: when to look (discovery, loading), real files (``Disk``).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from reconciler.modelserver.core.values import OK, All, Code, Latest, ModelConfig, Specific, Status

Wanted = tuple[tuple[int, str], ...]
"""A wanted-list: version numbers and the paths to load them from. A number may come twice; the first one counts."""

_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)[ \t\n\v\f\r]*")
_INT64 = range(-(2**63), 2**63)
ENDLESS = 1_000_000
"""Entries of a version directory after which a walk gives up: more than this is a ring of symbolic links."""


class Disk(Protocol):
    """The file system as TensorFlow's ``Env`` shows it, with its codes and texts for what goes wrong."""

    def file_exists(self, path: str) -> Status:
        """``Env::FileExists``: NOT_FOUND ``<path> not found`` whatever the reason why it cannot be seen."""
        ...

    def get_children(self, path: str) -> tuple[str, ...] | Status:
        """``Env::GetChildren``: names directly under a directory in any order, or ``<path>; <why not>``."""
        ...

    def is_directory(self, path: str) -> bool | Status:
        """``Env::IsDirectory``; a Status if not even that can be said, as of a link that leads nowhere."""
        ...


@dataclass(frozen=True, slots=True)
class Sight:
    """What one poll saw: a wanted-list per model, or the failure that ended the poll; and what to warn of."""

    found: tuple[tuple[str, Wanted], ...] = ()
    failure: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Look for the versions of these models; answer once with what ``run`` returns."""

    disk: Disk
    models: tuple[ModelConfig, ...]

    def run(self) -> Sight:
        """All models in order. A base path that cannot be looked at ends it, and then no model hears anything."""
        warnings: list[str] = []
        try:
            found = tuple((model.name, _look_for(self.disk, model, warnings)) for model in self.models)
        except _Blind as blind:
            return Sight((), str(blind), tuple(warnings))
        return Sight(found, None, tuple(warnings))


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """Walk through a version directory, as the estimate of its size does; answer once with what ``run`` returns."""

    disk: Disk
    path: str

    def run(self) -> Status:
        """OK if every entry can be read. Sizes are not summed: the stock server's limit is 2^64 bytes."""
        missing = self.disk.file_exists(self.path)
        if not missing.ok:
            return missing
        seen, queue = 0, deque([self.path])
        while queue:
            directory = queue.popleft()
            children = self.disk.get_children(directory)
            if isinstance(children, Status):
                return children
            seen += len(children)
            if seen > ENDLESS:
                return Status(Code.UNKNOWN, f"{self.path}; Too many levels of symbolic links")
            for path in (join(directory, name) for name in children):
                kind = self.disk.is_directory(path)
                if isinstance(kind, Status):
                    return kind
                if kind:
                    queue.append(path)
        return OK


class _Blind(Exception):
    """The poll ends here, with this in the log."""


def parse_version(name: str) -> int | None:
    """The version a child of a base path stands for, if any, as ``absl::SimpleAtoi`` reads it.

    An int64 with an optional sign, leading zeros and ASCII white space around it.
    """
    match = _NUMBER.fullmatch(name)
    if match is None:
        return None
    number = int(match.group(1))
    return number if number in _INT64 else None


def join(path: str, name: str) -> str:
    """A name below a path; only a slash at the very end of the path saves the one between."""
    return f"{path}{name}" if path.endswith("/") else f"{path}/{name}"


def _look_for(disk: Disk, model: ModelConfig, warnings: list[str]) -> Wanted:
    """``PollFileSystemForServable``."""
    missing = disk.file_exists(model.base_path)
    if not missing.ok:
        raise _Blind(f"Could not find base path {model.base_path} for servable {model.name} with error {missing}")
    if isinstance(model.policy, Specific):
        plain = _plain(disk, model, model.policy, warnings)
        if plain is not None:
            return plain
    children = disk.get_children(model.base_path)
    if isinstance(children, Status):
        raise _Blind(children.message)
    wanted = tuple(_chosen(model, _numbered(children), warnings))
    if not wanted:
        warnings.append(
            f"No versions of servable {model.name} found under base path {model.base_path}. "
            "Did you forget to name your leaf directory as a number (eg. '/1/')?"
        )
    return tuple((number, join(model.base_path, name)) for number, name in wanted)


def _plain(disk: Disk, model: ModelConfig, policy: Specific, warnings: list[str]) -> Wanted | None:
    """Plain decimal names if every listed one exists, without listing the directory; None: list it, any spelling."""
    if not policy.versions:
        warnings.append(f"No specific versions requested for servable {model.name}.")
        return None
    wanted = tuple((number, join(model.base_path, str(number))) for number in dict.fromkeys(policy.versions))
    return wanted if all(disk.file_exists(path).ok for _, path in wanted) else None


def _numbered(children: tuple[str, ...]) -> list[tuple[int, str]]:
    """Numbered children in the order of their names."""
    parsed = [(parse_version(name), name) for name in sorted(children)]
    return [(number, name) for number, name in parsed if number is not None]


def _chosen(model: ModelConfig, numbered: list[tuple[int, str]], warnings: list[str]) -> Iterator[tuple[int, str]]:
    """What the policy makes of the children; among several spellings of a number the last one wins, save for all."""
    by_number: dict[int, str] = {}
    for number, name in numbered:
        if number in by_number:
            warnings.append(
                f"Duplicate version directories detected. Version {number} will be loaded from {name}, "
                f"{by_number[number]} will be ignored."
            )
        by_number[number] = name
    match model.policy:
        case All():
            yield from numbered
        case Specific(versions):
            yield from ((number, by_number[number]) for number in sorted({*versions} & {*by_number}))
            warnings.extend(
                f"Version {number} of servable {model.name}, which was requested to be served as a 'specific' "
                "version in the servable's version policy, was not found in the file system"
                for number in dict.fromkeys(versions)
                if number not in by_number
            )
        case _:
            latest = model.policy or Latest()
            highest = sorted(by_number, reverse=True)[: max(latest.num_versions, 1)]
            yield from ((number, by_number[number]) for number in highest)
