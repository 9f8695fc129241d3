"""One reload, step by step, under the configuration mutex.

The order is the whole matter: validate, store the configuration, swap labels, update the source, wait for new names,
complain about logging. A step that fails leaves everything before it done. The wait has no limit and keeps the mutex:
one new model that never comes up blocks every later reload.

Source: ``ServerCore::ReloadConfig`` and ``AddModelsViaModelConfigList`` in ``model_servers/server_core.cc``; the first
configuration goes through ``core/load_servables_fast.cc``. Started by the core's entry points; labels, admission,
discovery and board do the single steps.
"""

from __future__ import annotations

from collections.abc import Generator

from reconciler.modelserver.core import admission
from reconciler.modelserver.core.discovery import Source
from reconciler.modelserver.core.labels import LabelTable
from reconciler.modelserver.core.machine import Machine
from reconciler.modelserver.core.manager import Manager
from reconciler.modelserver.core.ports import Ticket
from reconciler.modelserver.core.schedule import Lock, Thread, Wait
from reconciler.modelserver.core.values import OK, Code, ModelConfig, ServerConfig, Status

Steps = Generator[Wait, None, Status]
CANNOT_TRANSITION = Status(
    Code.FAILED_PRECONDITION,
    "Cannot transition to requested config. It is only legal to transition from one ModelConfigList to another.",
)
NO_LOGGER = Status(Code.INVALID_ARGUMENT, "No request-logger-creator provided.")


class Configuration:
    """The stored configuration, the applied one (inside ``source``), the labels, and the mutex over all of it.

    ``stored`` is what the next reload is compared with. It is replaced before labels and platforms of new models are
    checked, so it can be a configuration that was refused.
    """

    __slots__ = ("_lock", "_machine", "_manager", "labels", "source", "stored")

    def __init__(self, machine: Machine, manager: Manager) -> None:
        self._machine = machine
        self._manager = manager
        self._lock = Lock(machine.scheduler)
        self.stored = ServerConfig()
        self.source: Source | None = None
        self.labels = LabelTable(
            machine.board, allow_unavailable=machine.flags.allow_version_labels_for_unavailable_models
        )

    def reload(self, config: ServerConfig, ticket: Ticket) -> Thread:
        """Wait for the mutex, go through the steps, answer the ticket."""
        yield from self._lock.acquire()
        status = yield from self._steps(config)
        self._lock.release()
        ticket.finish(status, self._machine.scheduler.now)

    def _steps(self, config: ServerConfig) -> Steps:
        refusal = self._admit(config)
        if not refusal.ok or config.models is None:
            return refusal
        self.stored = config
        refusal = self.labels.swap(config.models)
        if refusal.ok:
            refusal = admission.check_platforms_known(config.models)
        if not refusal.ok:
            return refusal
        if self.source is None:
            status = yield from self._build(config.models)
        else:
            status = yield from self._rebuild(self.source, config.models)
        if status.ok and any(model.logging for model in config.models):
            return NO_LOGGER
        return status

    def _admit(self, config: ServerConfig) -> Status:
        """The checks that refuse without leaving a trace."""
        old, new = self.stored.models, config.models
        if new is None:
            return OK if old is None else CANNOT_TRANSITION
        status = admission.check_list(new)
        if not status.ok or old is None:
            return status
        return admission.check_platforms_kept(old, new)

    def _build(self, models: tuple[ModelConfig, ...]) -> Steps:
        """First configuration: build the source, lend the manager many load threads, wait on the long-lived board.

        If it fails the source is thrown away, but the manager keeps wanting what it was told.
        """
        source = Source(self._machine, self._manager, models)
        yield from self._manager.load_pool.resize(self._machine.flags.startup_load_threads)
        self._machine.scheduler.spawn(source.run())
        board = self._machine.board
        wait = board.wait(board, frozenset(model.name for model in models))
        yield from wait.until_decided()
        board.done(wait)
        status = wait.verdict("servable")
        yield from self._manager.load_pool.resize(self._machine.flags.num_load_threads)
        if status.ok:
            self.source = source
        else:
            yield from source.close()
        return status

    def _rebuild(self, source: Source, models: tuple[ModelConfig, ...]) -> Steps:
        """Later configurations: listen, update the source, wait for names the source did not have.

        The listener is made before the update and hears only what comes after: the END of a model just dropped counts
        for its successor, and a model that never went down is never heard of.
        """
        board = self._machine.board
        listener = board.listener()
        added = yield from source.update(models)
        wait = board.wait(listener, added)
        yield from wait.until_decided()
        board.done(wait)
        board.forget(listener)
        return wait.verdict("model")
