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

from collections.abc import Iterator

import pytest
from conformance_ahead import Ahead, can_run_ahead
from conformance_cases import PLAIN, Case, case_of
from conformance_servers import Servers
from conformance_standing import standing, standing_server, stands  # noqa: F401  # fixtures
from conformance_virtual import VirtualWorld
from conformance_world import World


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
    if config.getoption("target", None) is not None and config.getoption("numprocesses", None):
        raise pytest.UsageError("--target is one server, which a case has to itself: leave out -n")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let each case run in every world that can show it."""
    mark = case_of(metafunc.function)
    if "sequence" in metafunc.fixturenames:
        seed, count = metafunc.config.getoption("seed", 1), metafunc.config.getoption("sequences", 2)
        metafunc.parametrize("sequence", range(seed, seed + count))
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


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    """Hand cases that can run ahead of their turn to those who run them."""
    if case_of(pyfuncitem.function) is None or not can_run_ahead(pyfuncitem):
        return None
    ahead = pyfuncitem.funcargs["world"]
    assert isinstance(ahead, Ahead)
    ahead.result(pyfuncitem)
    return True


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """All processes; ended with the session."""
    servers = Servers(request.config, tmp_path_factory.mktemp("servers"))
    yield servers
    servers.close()


@pytest.fixture(scope="session")
def ahead(servers: Servers) -> Iterator[Ahead]:
    """Whoever runs cases ahead of their turn."""
    ahead = Ahead(servers)
    yield ahead
    ahead.close()


@pytest.fixture
def tag(servers: Servers) -> str:
    """What makes the names of one case its own."""
    return servers.tag()


@pytest.fixture
def world(request: pytest.FixtureRequest, servers: Servers, ahead: Ahead) -> Iterator[World | Ahead]:
    """The world a case runs in; open and empty, or not started if the case asked for a fresh one."""
    mark = case_of(request.function)
    assert mark is not None, "a test of the suite is marked with @case"
    if request.param == "simulated":
        yield _simulated(mark)
    elif request.param == "foreign":
        with servers.foreign() as world:
            yield world
    elif can_run_ahead(request.node):
        yield ahead
    else:
        with servers.world(mark) as world:
            yield world


def _simulated(mark: Case) -> World:
    world = VirtualWorld(mark.flags)
    if not mark.fresh:
        world.open()
    return world
