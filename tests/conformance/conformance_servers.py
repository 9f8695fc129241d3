"""Who shares which server: the processes of one test session, and a world for one case at a time.

A case has a server to itself, with the flags it asks for, and leaves it empty; a server that a case left blocked is
thrown away. Used by the suite's conftest; several threads may ask at once (``conformance_ahead``).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance_cases import Case
from conformance_client import Client
from conformance_process import EMBEDDED, ProcessWorld, Server

MOST_IDLE = 3  # servers that wait for a case with their flags: each has a TensorFlow in it


class Servers:
    """All processes of a session, and the target if there is one."""

    def __init__(self, config: pytest.Config, folder: Path) -> None:
        self._run = secrets.token_hex(2)
        self._command = config.getoption("server_command", None) or EMBEDDED
        self._folder = folder
        self._numbers = itertools.count()
        self._idle: list[Server] = []
        self._lock = threading.Lock()
        self._target = config.getoption("target", None)
        self._rest = config.getoption("rest", "")
        self._root = config.getoption("model_root", None)
        self._target_flags = tuple(config.getoption("target_flags", "").split())
        self._client: Client | None = None
        self._unusable = ""

    def tag(self) -> str:
        """What makes the names of one case its own."""
        return f"{self._run}{os.getpid() % 1000}{next(self._numbers)}"

    def new(self, flags: tuple[str, ...]) -> Server:
        """A server that nobody shares; not started."""
        return Server(self._command, flags, self._folder / str(next(self._numbers)))

    @contextlib.contextmanager
    def world(self, mark: Case) -> Iterator[ProcessWorld]:
        """A server for one case: up and empty or, for a case that wants a fresh one, not started."""
        if mark.fresh:
            server = self.new(mark.flags)
            try:
                yield ProcessWorld(self.tag(), server.client, server.models, server)
            finally:
                server.close()
            return
        server, tag = self._take(mark.flags), self.tag()
        world = ProcessWorld(tag, server.client, server.models / tag, server)
        clean = False
        try:
            yield world
            clean = world.leave_clean()
        finally:
            self._give_back(server, clean=clean)

    @contextlib.contextmanager
    def foreign(self) -> Iterator[ProcessWorld]:
        """The server we were pointed at."""
        if self._unusable:
            pytest.skip(self._unusable)
        if self._root is None:
            pytest.fail("--target needs --model-root DIR: a directory that both the server and the suite see")
        self._client = self._client or Client(self._target, self._rest)
        assert self._client.answers(), f"nobody answers gRPC at --target {self._target}"
        tag = self.tag()
        world = ProcessWorld(tag, self._client, Path(self._root) / tag, None)
        world.flags = self._target_flags
        world.make(world.root)
        try:
            yield world
        finally:
            if not world.leave_clean():
                self._unusable = "an earlier case left the target blocked: restart it"
            shutil.rmtree(world.root, ignore_errors=True)

    def close(self) -> None:
        """End everything that is ours."""
        for server in self._idle:
            server.close()
        if self._client is not None:
            self._client.close()

    def _take(self, flags: tuple[str, ...]) -> Server:
        with self._lock:
            for server in self._idle:
                if server.flags == flags:
                    self._idle.remove(server)
                    return server
        server = self.new(flags)
        server.config_file.write_text("model_config_list {}\n")
        server.start()
        world = ProcessWorld("", server.client, server.models, server)
        world.until(world.is_open)
        return server

    def _give_back(self, server: Server, *, clean: bool) -> None:
        """Keep it for the next case; the one that was idle longest makes room."""
        surplus = server
        if clean:
            with self._lock:
                self._idle.append(server)
                if len(self._idle) <= MOST_IDLE:
                    return
                surplus = self._idle.pop(0)
        surplus.close()
