"""What a service leaves behind when it has ended: a mirror of the repository, and a record of what it did."""

from cli_world import World

from reconciler.adapters.git import GitMirror, GitRemote
from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.lock import StateDirectory
from reconciler.state.config import ServerConfig
from reconciler.state.look import LabelKind, LabelReading
from reconciler.state.memory import LabelMemory, Memory
from reconciler.state.outcome import Condition, Health, Outcome, OutcomeKind, Status, Sync
from reconciler.state.plan import Action, ActionKind, Pass, PassKind

AT = 1_795_200_000.0
SERVER = "eu/gpu-1"


class Service:
    """Writes mirror and record of a world without asking any server."""

    def __init__(self, world: World) -> None:
        directory = StateDirectory(world.state)
        directory.create()
        self.ledger = SqliteLedger(directory.ledger)
        self.mirror = GitMirror(directory.mirror, GitRemote(str(world.repo), "main"))

    def follow(self) -> None:
        self.mirror.poll()

    def apply(self, commit: str, action: Action, at: float, before: str = "") -> None:
        """One action under a commit, done three seconds later; `before`: the commit whose spec stood there."""
        past = ((action.model, f"sha256:{before}"),) if before else ()
        memory = Memory(SERVER, "127.0.0.1:9", past=past)
        body = Pass(1, PassKind.CHANGE, (action,), ServerConfig(), specs=((action.model, f"sha256:{commit}"),))
        intent = self.ledger.intend(at, self.mirror.commit(commit), SERVER, body, memory)
        self.ledger.settle([Outcome(intent.id, action, OutcomeKind.DONE, at + 3.0)])

    def stands(self, commit: str, sync: Sync = Sync.SYNCED, *conditions: Condition, stable: int = 0) -> None:
        """The status of `half` now, and which version its label was seen on."""
        self.ledger.set_statuses(SERVER, [Status(SERVER, "half", sync, Health.HEALTHY, conditions, commit, AT)], "")
        self.ledger.set_good_commit(commit)
        reading = LabelReading(LabelKind.RESOLVES, stable)
        labels = (LabelMemory("half", "stable", reading, AT + 110),) if stable else ()
        self.ledger.remember(Memory(SERVER, "127.0.0.1:9", labels=labels))


def two_commits_applied(world: World) -> World:
    """Version 1, then 2; both applied by a service that has ended since."""
    world.write("[1]", "{stable: 1}")
    first = world.commit("half 1 is stable")
    world.write("[1, 2]", "{stable: 2}")
    second = world.commit("half 2 is stable")
    service = Service(world)
    service.follow()
    service.apply(first, Action(ActionKind.ADD_MODEL, "half", 1), AT)
    service.apply(first, Action(ActionKind.LABEL, "half", 1, "stable"), AT + 5)
    service.apply(second, Action(ActionKind.LABEL, "half", 2, "stable", 1), AT + 100, first)
    service.stands(second, stable=2)
    service.ledger.close()
    return world
