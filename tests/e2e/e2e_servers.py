"""Model servers for end-to-end tests: started once, lent to one test after the other, each time empty."""

import contextlib
from pathlib import Path

import grpc
from running_server import Model, RunningServer, config, free_ports

FLAGS = (
    "--file_system_poll_wait_seconds=1",
    "--num_load_threads=2",
    "--num_unload_threads=1",
    "--max_num_load_retries=0",
    "--load_retry_interval_micros=100000",
)
EMPTY = "model_config_list {}\n"
RESET_WITHIN = 5.0


class Server:
    """A model server at one address, over all lives of its process. `config_file` is what it reads at its start."""

    def __init__(self, name: str, folder: Path, *flags: str) -> None:
        self.name = name
        self.config_file = folder / f"{name}.pbtxt"
        self._flags = (f"--model_config_file={self.config_file}", *FLAGS, *flags)
        self._ports = free_ports(2)
        self._lives: list[RunningServer] = []

    @property
    def address(self) -> str:
        """Host and port of gRPC."""
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def rest(self) -> str:
        """Where its REST API answers."""
        return f"http://127.0.0.1:{self._ports[1]}"

    @property
    def log(self) -> str:
        """What its process has written in this life."""
        return self._lives[-1].output() if self._lives else ""

    @property
    def now(self) -> RunningServer:
        """The process of now, with its clients."""
        return self._lives[-1]

    def start(self, *, empty: bool = True) -> None:
        """Start it: with no models, or with what its config file says by now."""
        if empty:
            self.config_file.write_text(EMPTY)
        self._lives.append(RunningServer(*self._flags, ports=self._ports))

    def wait(self) -> None:
        """Wait until it answers."""
        self.now.wait_until_open()

    def kill(self) -> None:
        """End it as a crash does."""
        self.now.kill()

    def restart(self, *, empty: bool = True) -> None:
        """Kill it, start it, wait until it answers."""
        self.kill()
        self.start(empty=empty)
        self.wait()

    def reset(self) -> None:
        """Make it empty; one that does not follow any more is replaced."""
        with contextlib.suppress(grpc.RpcError):
            if self.now.process.poll() is None:
                self.now.reload(timeout=RESET_WITHIN)
                return
        self.restart()

    def overwrite(self, *models: Model) -> None:
        """Reload it behind the reconciler's back, as a second writer does."""
        self.now.reload(*models)

    def config_of(self, *models: Model) -> str:
        """The text of a config of these models, as somebody would put it into a file."""
        return str(config(*models))

    def stop(self) -> None:
        """End every life."""
        for life in self._lives:
            life.stop()


class Pool:
    """Servers that are running and lent to nobody."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.servers: list[Server] = []
        self.models = 0

    def lend(self, count: int) -> list[Server]:
        """So many servers, empty. They are the same ones every time, so one test at a time."""
        new = [Server(f"gpu-{number + 1}", self._folder) for number in range(len(self.servers), count)]
        for server in new:
            server.start()
        self.servers += new
        lent = self.servers[:count]
        for server in lent:
            if server in new:
                server.wait()
            else:
                server.reset()
        return lent

    def close(self) -> None:
        """End all."""
        for server in self.servers:
            server.stop()
