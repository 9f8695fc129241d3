"""Random sequences of reloads, label moves and file changes, and a pair of worlds that must agree after each.

An ``Author`` writes moves: one reload, or one change on disk. A ``Pair`` makes each move in the simulated core and on a
real server, lets both come to rest and compares everything a client can ask. The simulated side goes first, so it is
known what to wait for: whether the reload is answered, and whether polls go on, which a model of ours tells that gets a
new version after every move.

Used by ``test_conformance_differential``; it is also the way to hold any server against the core (``--target``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from conformance_exports import Export
from conformance_virtual import VirtualWorld
from conformance_world import POLL, Pending, World

from reconciler.modelserver.core import All, Code, Latest, ModelConfig, Policy, Specific, Status

CLOCK = "clock"
MODELS = ("ada", "bea", "cid")
LABELS = ("stable", "canary")
VERSIONS = (1, 2, 3, 4)
REFUSED = frozenset({Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION})
REST = 8.0
"""Simulated seconds after which nothing moves any more by itself."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model in a reload. ``base`` is a suffix of its base path: "" is its own, ``-none`` is not there."""

    policy: Policy | None
    labels: tuple[tuple[str, int], ...] = ()
    base: str = ""
    platform: str = "tensorflow"

    def __str__(self) -> str:
        wanted = str(list(self.policy.versions) if isinstance(self.policy, Specific) else self.policy)
        labels = "".join(f" {label}={version}" for label, version in self.labels)
        base = f" at {self.base}" if self.base else ""
        return f"{wanted}{labels}{base}{'' if self.platform == 'tensorflow' else f' on {self.platform!r}'}"


@dataclass(frozen=True, slots=True)
class Move:
    """A reload of these models, or one change on disk: ``verb`` on a version's directory or on the base path."""

    reload: dict[str, Entry] | None = None
    verb: str = ""
    model: str = ""
    name: str = ""
    base: str = ""
    twice: str = ""
    """A model that the reload lists two times."""

    def __str__(self) -> str:
        if self.reload is None:
            return f"{self.verb} {self.model}{self.base}/{self.name}"
        entries = ", ".join(f"{name}({entry})" for name, entry in self.reload.items() if name != CLOCK)
        return f"reload {entries or 'of nothing'}{f', {self.twice} once more' if self.twice else ''}"


def make(move: Move, world: World) -> Pending | None:
    """Make a move; the sent reload if it is one."""
    if move.reload is not None:
        configs = [_config(world, name, entry) for name, entry in move.reload.items()]
        if move.twice in move.reload:
            configs.append(_config(world, move.twice, move.reload[move.twice]))
        return world.send(*configs)
    model = world.models[move.model]
    path = f"{model.base}{move.base}" + (f"/{move.name}" if move.name else "")
    match move.verb:
        case "publish":
            world.put(path, Export(int(move.name)))
        case "break":
            world.put(path, Export(fault="garbage"))
        case "empty":
            world.put(path, Export(fault="empty"))
        case "spoil":
            world.overwrite(path, Export(fault="garbage"))
        case "repair":
            world.overwrite(path, Export(int(move.name)))
        case "remove":
            world.remove(path)
        case _:
            world.make(path)
    return None


def _config(world: World, name: str, entry: Entry) -> ModelConfig:
    model = world.models[name]
    config = model.entry(entry.policy, dict(entry.labels), f"{model.base}{entry.base}")
    return replace(config, platform=entry.platform)


@dataclass(slots=True)
class Author:
    """Writes moves that go on from those before; ``safely`` leaves out what only a restart can cure.

    It knows what the simulated server shows, so that labels mostly go where they may and changes hit what is in use.
    """

    chance: random.Random
    world: VirtualWorld
    safely: bool = False
    config: dict[str, Entry] = field(default_factory=lambda: {CLOCK: Entry(Latest())})
    disk: dict[str, dict[str, bool]] = field(default_factory=lambda: {name: {"1": True, "2": True} for name in MODELS})

    def next(self, *, blocked: bool) -> Move:
        """Another move; while a reload is blocked mostly one that may help it."""
        if len(self.config) == 1:
            return Move({**self.config, **{name: Entry(self._policy((1, 2))) for name in MODELS[:2]}})
        if blocked and self._maybe(0.7):
            return self._help() or self._change()
        return self._reload() if self._maybe(0.65) else self._change()

    def learn(self, move: Move, answer: Pending | None) -> None:
        """Go on from a config that was taken; from a refused one only now and then."""
        refused = answer is not None and answer.status is not None and answer.status.code in REFUSED
        if move.reload and not move.twice and (not refused or self._maybe(0.2)):
            self.config = {name: replace(entry, platform="tensorflow") for name, entry in move.reload.items()}

    def _reload(self) -> Move:
        if self._maybe(0.04):
            return Move({})
        following = dict(self.config)
        for name in self.chance.sample(MODELS, self.chance.choice((1, 1, 2))):
            if name not in following:
                following[name] = self._new()
            elif self._maybe(0.15):
                del following[name]
            else:
                following[name] = self._changed(name, following[name])
        named = [name for name in MODELS if name in following]
        return Move(following, twice=self.chance.choice(named) if named and self._maybe(0.04) else "")

    def _new(self) -> Entry:
        """An entry for a model that is not in the config: mostly one that comes up."""
        entry = Entry(self._policy((1, 2) if self._maybe(0.8) else VERSIONS))
        odd = self.chance.random()
        if odd < 0.04:
            return replace(entry, base="-none")
        if odd < 0.08:
            return replace(entry, platform="pytorch")
        if odd < 0.10 and not self.safely:
            return replace(entry, platform="")
        return replace(entry, labels=self._labels((1, 2))) if odd < 0.2 else entry

    def _changed(self, name: str, entry: Entry) -> Entry:
        pick = self.chance.random()
        if pick < 0.4:
            return replace(entry, policy=self._policy(VERSIONS))
        if pick < 0.8:
            up = tuple(version for version, state in self.world.models[name].states().items() if state == "AVAILABLE")
            return replace(entry, labels=self._labels(up if up and self._maybe(0.85) else VERSIONS))
        if pick < 0.85:
            return replace(entry, policy=self._policy(VERSIONS), labels=self._labels(VERSIONS))
        if pick < 0.97:
            return replace(entry, base=self.chance.choice(("", "-other", "-none")))
        return replace(entry, platform=self.chance.choice(("", "pytorch")))

    def _policy(self, versions: tuple[int, ...]) -> Policy | None:
        if self._maybe(0.7):
            fewest = 0 if not self.safely and self._maybe(0.04) else 1
            return Specific(tuple(self.chance.sample(versions, self.chance.randint(fewest, min(3, len(versions))))))
        return self.chance.choice((Latest(1), Latest(2), All(), None))

    def _labels(self, versions: tuple[int, ...]) -> tuple[tuple[str, int], ...]:
        return tuple((label, self.chance.choice(versions)) for label in LABELS if self._maybe(0.6))

    def _change(self) -> Move:
        used = [name for name in MODELS if name in self.config]
        name = self.chance.choice(used if used and self._maybe(0.85) else MODELS)
        there, version = self.disk[name], str(self.chance.choice(VERSIONS))
        if version not in there:
            verb = self.chance.choice(("publish", "publish", "publish", "break", "empty"))
            there[version] = True
        elif self._maybe(0.6):
            verb = "remove"
            del there[version]
        else:
            verb = self.chance.choice(("spoil", "repair"))
        return Move(verb=verb, model=name, name=version)

    def _help(self) -> Move | None:
        """Publish a version that the config names and that is not there, or bring a base path into being."""
        for name, entry in self.config.items():
            wanted = entry.policy.versions if isinstance(entry.policy, Specific) else (1,)
            for version in wanted if name != CLOCK else ():
                if entry.base == "-none":
                    self.config[name] = replace(entry, base="")
                    return Move(verb="make", model=name, base=f"-none/{version}")
                if str(version) not in self.disk[name]:
                    self.disk[name][str(version)] = True
                    return Move(verb="publish", model=name, name=str(version))
        return None

    def _maybe(self, share: float) -> bool:
        return self.chance.random() < share


Picture = dict[str, object]


@dataclass(slots=True)
class Pair:
    """A simulated and a real server with the same names, paths and flags."""

    simulated: VirtualWorld
    real: World
    sent: list[tuple[Pending | None, Pending | None]] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Models on both disks, and the clock running."""
        for world in (self.simulated, self.real):
            for name in MODELS:
                model = world.model(name, 1, 2)
                for version in (1, 3):
                    world.put(f"{model.base}-other/{version}", Export(100 + version))
            world.serve(world.model(CLOCK, 1).latest())

    @property
    def blocked(self) -> bool:
        """Whether a reload waits on the simulated side."""
        return any(sent is not None and sent.status is None for sent, _ in self.sent)

    def play(self, move: Move) -> Pending | None:
        """Make a move on both sides, return the simulated answer; AssertionError if they do not rest alike."""
        number = len(self.story) + 2
        self.story.append(str(move))
        expected_answer = make(move, self.simulated)
        self.simulated.models[CLOCK].publish(number)
        self.simulated.wait(REST)
        answer = make(move, self.real)
        self.real.models[CLOCK].publish(number)
        self.sent.append((expected_answer, answer))
        self._wait_as_long(expected_answer, answer, number)
        self._compare()
        return expected_answer

    def _wait_as_long(self, expected: Pending | None, answer: Pending | None, number: int) -> None:
        """Until the real side has done what the simulated one did."""
        if expected is not None and answer is not None and expected.status is not None:
            self.real.until(lambda: answer.status is not None, what=f"an answer; {self.told()}")
        if self.simulated.models[CLOCK].states().get(number) == "AVAILABLE":
            self.real.models[CLOCK].until_state(number, "AVAILABLE")
        else:
            self.real.wait(POLL + 0.6)

    def _compare(self) -> None:
        expected = dict(self._picture(self.simulated, 0))
        end = self.real.now + 6.0
        while (found := dict(self._picture(self.real, 1))) != expected and self.real.now < end:
            self.real.wait(0.1)
        differing = "\n".join(
            f"  {what}: simulated {expected[what]}, server {found[what]}"
            for what in expected
            if expected[what] != found[what]
        )
        assert not differing, f"{self.told()}\n{differing}"

    def told(self) -> str:
        """Every move so far."""
        return "\n".join(f"  {number}. {move}" for number, move in enumerate(self.story, 1))

    def _picture(self, world: World, side: int) -> Iterator[tuple[str, object]]:
        """Everything a client can ask, and the answers to all reloads."""
        for number, sent in enumerate(self.sent, 1):
            pending = sent[side]
            if pending is not None:
                yield f"answer {number}", str(pending.status)
        for name in MODELS:
            model = world.models[name]
            found = world.get_model_status(model.name)
            yield f"{name} status", str(found) if isinstance(found, Status) else found
            for version in (None, *VERSIONS):
                yield f"{name} {version}", model.asks(version)
                yield f"{name} {version} content", str(world.content(model.name, version))
            for label in LABELS:
                yield f"{name} {label}", model.asks(label=label)
