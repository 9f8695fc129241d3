r"""The conformance suite: what a TensorFlow Serving server does, seen over gRPC and REST only.

Run it::

    pytest tests/conformance                                        # the embedded server, and the simulator's core
    pytest tests/conformance --server-command tensorflow_model_server   # that binary, started by the suite
    pytest tests/conformance --target HOST:PORT --rest HOST:PORT --model-root DIR

With ``--target`` the server is somebody else's. It is started beforehand with ``--max_num_load_retries=0`` and a config
file that says ``model_config_list {}``; DIR is a directory that both it and the suite see under that name. Cases that
need other flags or a process of their own are skipped and say why, or run on ``--server-command`` if that is given
as well. ``--target-flags "--a=1 --b=2"`` says what the target was started with, if it was something else.

Add a case: a function in one of the files ``test_conformance_*.py`` whose name is the sentence it proves, marked with
the lines of ``conformance_reference*.py`` it rests on::

    @case("C14", "O12")
    def test_a_label_moved_to_a_version_that_is_not_there_is_refused(world: World) -> None:
        m = world.model("m", 1)                     # a name nobody else has; versions 1 on disk
        world.serve(m(1, stable=1))                 # loaded, then labelled
        assert str(world.reload(m(1, stable=9))) == m.label_refused(9)
        assert m.asks(label="stable") == 1

It then runs in every world that can show it (``embedded``, ``simulated``, ``foreign``). ``@case(..., flags=ALLOW)``
asks for a server with these flags, ``fresh="why"`` for a process of its own that the case starts itself
(``world.open()``) and may leave unusable, ``process_only="why"`` and ``core_only="why"`` for one kind of world. Single
messages and REST are at ``world.client`` of a ``process_only`` case (annotate ``world: ProcessWorld``). Then ``python
tests/conformance/conformance_report.py`` writes docs/compatibility.md anew.

Each case has the server to itself and leaves it empty, so cases need not tidy up. A shared server is thrown away when a
case left it blocked.
"""

import itertools
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance_cases import PLAIN, Case, case_of
from conformance_client import Client
from conformance_process import EMBEDDED, ProcessWorld, Server
from conformance_virtual import VirtualWorld
from conformance_world import World

MOST_SERVERS = 2  # that wait for cases at the same time: each has a TensorFlow in it


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--target", help="gRPC HOST:PORT of a running server to test instead of the embedded one")
    group.addoption("--rest", default="", help="REST HOST:PORT of that server")
    group.addoption("--model-root", help="directory that the target and the suite see under the same name")
    group.addoption("--target-flags", default=" ".join(PLAIN), help="what the target was started with")
    group.addoption("--server-command", help="command of a tensorflow_model_server, for cases that start their own")
    group.addoption("--sequences", type=int, default=2, help="random sequences of the differential")
    group.addoption("--seed", type=int, default=1, help="where the random sequences begin")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "case(mark): a conformance case and what it rests on")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let each case run in every world that can show it."""
    mark = case_of(metafunc.function)
    if "world" in metafunc.fixturenames and mark is not None:
        metafunc.parametrize("world", list(_worlds(metafunc.config, mark)), indirect=True)


def _worlds(config: pytest.Config, mark: Case) -> Iterator[object]:
    if config.getoption("target", None) is not None:
        yield _on_target(config, mark)
        return
    if not mark.core_only:
        yield pytest.param("embedded", id="embedded", marks=pytest.mark.serving)
    if not mark.process_only:
        yield pytest.param("simulated", id="simulated")


def _on_target(config: pytest.Config, mark: Case) -> object:
    flags = tuple(config.getoption("target_flags").split())
    why = mark.core_only or mark.fresh or (mark.flags != flags and f"needs a server with {' '.join(mark.flags)}")
    if why and not mark.core_only and config.getoption("server_command"):
        return pytest.param("embedded", id="own")
    return pytest.param("foreign", id="foreign", marks=[pytest.mark.skip(reason=str(why))] if why else [])


class Servers:
    """The processes of one test session: shared ones by their flags, and the target."""

    def __init__(self, config: pytest.Config, folder: Path) -> None:
        self.run = secrets.token_hex(2)
        self._command = config.getoption("server_command", None) or EMBEDDED
        self._folder = folder
        self._numbers = itertools.count()
        self._shared: dict[tuple[str, ...], Server] = {}
        self._target = config.getoption("target", None)
        self._rest = config.getoption("rest", "")
        self._root = config.getoption("model_root", None)
        self.client: Client | None = None
        self.unusable = ""

    def new(self, flags: tuple[str, ...]) -> Server:
        """One that nobody shares; not started."""
        return Server(self._command, flags, self._folder / str(next(self._numbers)))

    def shared(self, flags: tuple[str, ...]) -> Server:
        """One with these flags that is up and empty; the one longest unused makes room."""
        server = self._shared.pop(flags, None)
        while len(self._shared) >= MOST_SERVERS:
            self._shared.pop(next(iter(self._shared))).close()
        if server is None:
            server = self.new(flags)
            server.config_file.write_text("model_config_list {}\n")
            server.start()
        self._shared[flags] = server
        world = ProcessWorld("", server.client, server.models, server)
        world.until(world.is_open)
        return server

    def discard(self, server: Server) -> None:
        """It is of no more use."""
        self._shared = {flags: each for flags, each in self._shared.items() if each is not server}
        server.close()

    def target(self) -> tuple[Client, Path]:
        """The server we were pointed at."""
        if self.unusable:
            pytest.skip(self.unusable)
        if self._root is None:
            pytest.fail("--target needs --model-root DIR: a directory that both the server and the suite see")
        self.client = self.client or Client(self._target, self._rest)
        return self.client, Path(self._root)

    def close(self) -> None:
        for server in self._shared.values():
            server.close()
        if self.client is not None:
            self.client.close()


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """All processes; ended with the session."""
    servers = Servers(request.config, tmp_path_factory.mktemp("servers"))
    yield servers
    servers.close()


@pytest.fixture
def tag(servers: Servers) -> str:
    """What makes the names of one case its own."""
    return f"{servers.run}{os.getpid() % 1000}{next(servers._numbers)}"


@pytest.fixture
def world(request: pytest.FixtureRequest, servers: Servers, tag: str) -> Iterator[World]:
    """The world a case runs in; open and empty, or not started if the case asked for a fresh one."""
    mark = case_of(request.function)
    assert mark is not None, "a test of the suite is marked with @case"
    if request.param == "simulated":
        yield _simulated(mark, tag)
    elif request.param == "foreign":
        client, root = servers.target()
        yield from _foreign(ProcessWorld(tag, client, root / tag, None), servers)
    elif mark.fresh:
        server = servers.new(mark.flags)
        yield ProcessWorld(tag, server.client, server.models, server)
        server.close()
    else:
        server = servers.shared(mark.flags)
        world = ProcessWorld(tag, server.client, server.models / tag, server)
        yield world
        if not world.leave_clean():
            servers.discard(server)


def _simulated(mark: Case, tag: str) -> World:
    world = VirtualWorld(tag, mark.flags)
    if not mark.fresh:
        world.open()
    return world


def _foreign(world: ProcessWorld, servers: Servers) -> Iterator[World]:
    world.make(world.root)
    yield world
    if not world.leave_clean():
        servers.unusable = "an earlier case left the target blocked: restart it"
    shutil.rmtree(world.root, ignore_errors=True)
