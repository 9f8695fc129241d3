"""Which versions are wanted: the poll of the file system.

One thread looks at all models of the applied configuration in order, with one period for all. A base path that is not
there ends the poll, and no model hears anything: one bad path freezes discovery for the whole server. A wanted-list may
be empty, and empty means unload everything.

Source: ``sources/storage_path/file_system_storage_path_source.cc``. The poll is instantaneous on this clock, so the
mutex that keeps polls and updates apart needs no counterpart. Used by reloads; wanted-lists go to the manager.
"""

from __future__ import annotations

import re

from reconciler.modelserver.core.machine import Machine, later
from reconciler.modelserver.core.manager import Manager, Wanted
from reconciler.modelserver.core.ports import Disk
from reconciler.modelserver.core.schedule import Thread
from reconciler.modelserver.core.values import All, Latest, ModelConfig, Specific

_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)[ \t\n\v\f\r]*")
_INT64 = range(-(2**63), 2**63)


class MissingBasePath(Exception):
    """The poll found no base path for a model."""

    def __init__(self, model: ModelConfig) -> None:
        path = model.base_path
        super().__init__(
            "FileSystemStoragePathSource encountered a filesystem access error: "
            f"Could not find base path {path} for servable {model.name} with error NOT_FOUND: {path} not found"
        )


class Source:
    """The file system source: the models it watches, and the thread that polls."""

    __slots__ = ("_closed", "_machine", "_manager", "models")

    def __init__(self, machine: Machine, manager: Manager, models: tuple[ModelConfig, ...]) -> None:
        self._machine = machine
        self._manager = manager
        self._closed = False
        self.models = models

    def update(self, models: tuple[ModelConfig, ...]) -> None:
        """Take another list: dropped models get an empty wanted-list now, all else waits for the next poll."""
        kept = {model.name for model in models}
        for name in sorted({model.name for model in self.models} - kept):
            self._manager.want(name, ())
        self.models = models

    def close(self) -> None:
        """Stop polling; what is wanted stays wanted."""
        self._closed = True

    def run(self) -> Thread:
        """Poll at once and then every period; a period of 0 polls once, a negative one never."""
        period = self._machine.flags.file_system_poll_wait_seconds
        if period < 0:
            return
        while not self._closed:
            began = self._machine.scheduler.now
            self._poll()
            if period == 0:
                return
            yield later(began, period)

    def _poll(self) -> None:
        try:
            found = [(model.name, self._look(model)) for model in self.models]
        except MissingBasePath as missing:
            self._machine.log(str(missing))
            return
        for name, wanted in found:
            self._manager.want(name, wanted)

    def _look(self, model: ModelConfig) -> Wanted:
        disk = self._machine.disk
        if not disk.exists(model.base_path):
            raise MissingBasePath(model)
        if isinstance(model.policy, Specific):
            return self._specific(model, model.policy.versions)
        children = _numbered(disk, model)
        if not children:
            self._machine.log(
                f"No versions of servable {model.name} found under base path {model.base_path}. "
                "Did you forget to name your leaf directory as a number (eg. '/1/')?"
            )
        if isinstance(model.policy, All):
            return _at(model, children)
        wanted = (model.policy or Latest()).num_versions
        by_number = dict(children)
        return _at(model, [(number, by_number[number]) for number in sorted(by_number, reverse=True)[: max(wanted, 1)]])

    def _specific(self, model: ModelConfig, versions: tuple[int, ...]) -> Wanted:
        """Plain decimal names if every listed one exists, without listing the directory; else any spelling."""
        plain = [(number, str(number)) for number in dict.fromkeys(versions)]
        if not plain:
            self._machine.log(f"No specific versions requested for servable {model.name}.")
        if all(self._machine.disk.exists(_join(model.base_path, name)) for _, name in plain):
            return _at(model, plain)
        by_number = dict(_numbered(self._machine.disk, model))
        for number, _ in plain:
            if number not in by_number:
                self._machine.log(
                    f"Version {number} of servable {model.name}, which was requested to be served as a 'specific' "
                    "version in the servable's version policy, was not found in the file system"
                )
        return _at(model, [(number, by_number[number]) for number, _ in plain if number in by_number])


def parse_version(name: str) -> int | None:
    """The version a child of a base path stands for, if any: an int64, with spaces, sign and leading zeros allowed."""
    match = _NUMBER.fullmatch(name)
    if match is None:
        return None
    number = int(match.group(1))
    return number if number in _INT64 else None


def _numbered(disk: Disk, model: ModelConfig) -> list[tuple[int, str]]:
    """Numbered children in the order of their names, so that among several spellings the last wins in a dict."""
    try:
        names = disk.children(model.base_path)
    except FileNotFoundError:
        raise MissingBasePath(model) from None
    parsed = [(parse_version(name), name) for name in sorted(names)]
    return [(number, name) for number, name in parsed if number is not None]


def _at(model: ModelConfig, versions: list[tuple[int, str]]) -> Wanted:
    return tuple((number, _join(model.base_path, name)) for number, name in versions)


def _join(base_path: str, name: str) -> str:
    return f"{base_path.rstrip('/')}/{name}"
