"""The core as its owner sees it: calls in, effects out, one clock.

The owner is the model server's fronts (one lock or one event loop around every call, loads in threads) or the simulator
(a virtual clock). After every call, and whenever ``next_at`` has come, the owner calls ``advance`` and carries out what
it returns. Each call takes "now" in seconds on any clock that does not go back. The disk given to a ``Core`` is not
looked at in here: it goes out with the questions about it.

Deliberately not here: gRPC, REST, protobuf, TensorFlow, threads, time. The rules are in the modules this one wires:
reload, discovery, manager, loading, labels, board, table.
"""

from __future__ import annotations

from reconciler.modelserver.core.looking import Disk, Look, Measure, Sight
from reconciler.modelserver.core.machine import Machine, later
from reconciler.modelserver.core.manager import Manager
from reconciler.modelserver.core.ports import Effect, ReadConfigFile, StartLoad, StartUnload, Ticket
from reconciler.modelserver.core.reload import Configuration
from reconciler.modelserver.core.schedule import Gate, Thread
from reconciler.modelserver.core.values import OK, Code, Flags, Lease, LoadKey, ServerConfig, Status, VersionStatus

UNSUPPORTED = Status(
    Code.INVALID_ARGUMENT,
    "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported",
)


class Core:
    """One model server. It is used for one life of a process: a restart is a new ``Core``."""

    def __init__(self, flags: Flags, disk: Disk, now: float) -> None:
        self.flags = flags
        self._machine = Machine(flags, disk, now)
        self._manager = Manager(self._machine)
        self._configuration = Configuration(self._machine, self._manager)
        self._file_ticket: Ticket | None = None
        self._file_read = Gate()
        self.exited: Status | None = None

    @property
    def now(self) -> float:
        """The latest time this core was told."""
        return self._machine.scheduler.now

    # -- configuration ------------------------------------------------------------------------------------------------

    def start(self, config: ServerConfig | None, now: float) -> Ticket:
        """Start the process, once; None is a configuration file without a list.

        The ports may open when the ticket is OK; with an error the process exits (see ``exited``); with a model that
        never comes up the ticket stays open for ever.
        """
        self._enter(now)
        ticket = Ticket()
        self._machine.scheduler.spawn(self._manager.run())
        self._machine.scheduler.spawn(self._boot(config or ServerConfig(), ticket))
        self._enter(now)
        return ticket

    def reload(self, config: ServerConfig, now: float) -> Ticket:
        """HandleReloadConfigRequest. The ticket goes on without its client: a deadline ends the client's wait only."""
        self._enter(now)
        ticket = Ticket()
        if config.models is None:
            ticket.finish(UNSUPPORTED, self.now)
        else:
            self._machine.scheduler.spawn(self._configuration.reload(config, ticket))
            self._enter(now)
        return ticket

    def reload_from_file(self, read: ServerConfig | Status, now: float) -> Ticket:
        """Answer ``ReadConfigFile``: what the file says, or why it could not be read.

        The next reading comes a period after the last one began, but never before this reload returned.
        """
        self._enter(now)
        ticket = self._file_ticket = Ticket()
        if isinstance(read, Status):
            self._machine.log(f"Failed to read ModelServerConfig file: {read.message}")
            ticket.finish(read, self.now)
            self._machine.scheduler.open(self._file_read)
        else:
            self._machine.scheduler.spawn(self._reload_file(read, ticket))
        self._enter(now)
        return ticket

    # -- the clock, and answers to effects ----------------------------------------------------------------------------

    def advance(self, now: float) -> tuple[Effect, ...]:
        """Do everything due up to ``now`` and return what the owner has to do."""
        self._enter(now)
        effects = tuple(self._machine.outbox)
        self._machine.outbox.clear()
        return effects

    def next_at(self) -> float | None:
        """When ``advance`` has something to do or to hand over; None while only an answer can move anything."""
        return self.now if self._machine.outbox else self._machine.scheduler.next_at()

    def load_finished(self, key: LoadKey, status: Status, now: float) -> None:
        """A StartLoad succeeded or failed. KeyError if it was not under way."""
        self._enter(now)
        if self.exited is None:
            self._machine.works.answer(StartLoad(key), status)
            self._enter(now)

    def unload_finished(self, key: LoadKey, now: float) -> None:
        """A StartUnload is through. KeyError if it was not under way."""
        self._enter(now)
        if self.exited is None:
            self._machine.works.answer(StartUnload(key), OK)
            self._enter(now)

    def answered(self, question: Look | Measure, answer: Sight | Status, now: float) -> None:
        """What a Look or a Measure found: the result of its ``run``. KeyError if it was not under way."""
        self._enter(now)
        if self.exited is not None:
            return
        if isinstance(question, Look) and isinstance(answer, Sight):
            self._machine.looks.answer(question, answer)
        elif isinstance(question, Measure) and isinstance(answer, Status):
            self._machine.works.answer(question, answer)
        else:
            raise TypeError(f"{answer!r} is no answer to {question!r}")
        self._enter(now)

    # -- questions ----------------------------------------------------------------------------------------------------

    def statuses(self, model: str) -> tuple[VersionStatus, ...]:
        """Every version of a model this process ever knew, highest first; empty for an unknown model."""
        return self._machine.board.of(model)

    def get_model_status(self, model: str, version: int | None = None) -> tuple[VersionStatus, ...] | Status:
        """GetModelStatus. A label in the request is ignored, so there is none here."""
        known = self.statuses(model)
        if version is not None:
            known = tuple(status for status in known if status.version == version)
            return known or Status(Code.NOT_FOUND, f"Could not find version {version} of model {model}")
        return known or Status(Code.NOT_FOUND, f"Could not find any versions of model {model}")

    def resolve(self, model: str, version: int | None = None, label: str | None = None) -> tuple[int, Lease] | Status:
        """Look a servable up for a request: its version, and a lease to give back with ``release``."""
        if not model:
            return Status(Code.INVALID_ARGUMENT, "ModelSpec has no name specified.")
        if label is not None:
            found = self._configuration.labels.resolve(model, label)
            if isinstance(found, Status):
                return found
            version = found
        lease = self._machine.table.find(model, version)
        return lease if isinstance(lease, Status) else (lease.version, lease)

    def release(self, lease: Lease, now: float) -> None:
        """The request has ended. KeyError if it had already."""
        self._enter(now)
        self._machine.table.release(lease)
        self._enter(now)

    # -- for tests and inspection; no RPC shows these -----------------------------------------------------------------

    def labels_of(self, model: str) -> dict[str, int]:
        """The labels of a model."""
        return self._configuration.labels.of(model)

    def loaded(self, model: str) -> tuple[int, ...]:
        """The versions a request can reach now, highest first."""
        return self._machine.table.loaded(model)

    def stored_config(self) -> ServerConfig:
        """What the next reload is compared with: perhaps a configuration that was refused."""
        return self._configuration.stored

    def applied_config(self) -> ServerConfig:
        """What discovery works from."""
        source = self._configuration.source
        return ServerConfig(None if source is None else source.models)

    def publish_race(self, model: str, version: int, seconds: float = 1.0) -> None:
        """Arm the phantom AVAILABLE of this version's next load.

        Its AVAILABLE comes ``seconds`` late, or right after the END if the version is unloaded before. Real servers do
        this rarely, and only with load threads.
        """
        self._manager.loading.arm_race(model, version, seconds)

    # -- within -------------------------------------------------------------------------------------------------------

    def _enter(self, now: float) -> None:
        if self.exited is None:
            self._machine.scheduler.run(now)

    def _boot(self, config: ServerConfig, ticket: Ticket) -> Thread:
        """``Server::BuildAndStart``: the first configuration, then the thread that reads the file again and again."""
        yield from self._configuration.reload(config, ticket)
        if ticket.status is not None and not ticket.status.ok:
            self._machine.log(f"Failed to start server. Error: {ticket.status}")
            self.exited = ticket.status
            self._machine.scheduler.stop()
        elif self.flags.model_config_file_poll_wait_seconds > 0:
            self._machine.scheduler.spawn(self._poll_file(self.flags.model_config_file_poll_wait_seconds))

    def _poll_file(self, period: float) -> Thread:
        while True:
            began = self.now
            self._file_ticket = None
            self._machine.outbox.append(ReadConfigFile())
            while self._file_ticket is None or not self._file_ticket.done:
                yield self._file_read
            yield later(began, period)

    def _reload_file(self, config: ServerConfig, ticket: Ticket) -> Thread:
        yield from self._configuration.reload(config, ticket)
        if ticket.status is not None and not ticket.status.ok:
            self._machine.log(f"PollFilesystemAndReloadConfig failed to ReloadConfig: {ticket.status.message}")
        self._machine.scheduler.open(self._file_read)
