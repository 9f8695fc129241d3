"""The story: chapters, each a real commit or a real accident, with what must be true after it.

Called by `__init__` once servers and service run. Every claim is checked against what the clients were answered and
what the service wrote down; a claim that does not hold is printed as such and ends the demo with exit 1.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from reconciler.cli.demo import past
from reconciler.cli.demo.commits import Author, Repository
from reconciler.cli.demo.fleet import Processes
from reconciler.cli.demo.stage import FASHION, HALF, Stage
from reconciler.cli.demo.tally import Line, Window
from reconciler.cli.demo.timeline import Change, Timeline
from reconciler.cli.demo.traffic import Traffic
from reconciler.cli.demo.witness import TookTooLong, Witness
from reconciler.cli.triggers import SyncFile
from reconciler.expose import words
from reconciler.state.plan import Action, ActionKind

ADA, GRACE, ALAN = Author("Ada"), Author("Grace"), Author("Alan")
WITHIN = 60.0
"""Seconds that a chapter may take on a busy machine before the demo gives up on it."""

DOWN_FOR = 1.0


@dataclass(slots=True)
class Cast:
    """Everything the story plays with."""

    stage: Stage
    repository: Repository
    processes: Processes
    traffic: Traffic
    witness: Witness
    timeline: Timeline


@dataclass(frozen=True, slots=True)
class Held:
    """A label that must stay where it is, whatever version a commit asks for."""

    label: str
    now: int
    asked: int


class Story:
    """Plays the chapters in order."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._sync = SyncFile(cast.stage.state)
        self._began = time.monotonic()
        self._promotion = self._reverting = ""

    async def play(self) -> None:
        """All chapters."""
        chapters: list[Callable[[], Awaitable[None]]] = [
            self._go_live,
            self._canary,
            self._promote,
            self._revert,
            self._missing,
            self._take_back,
            self._breaking,
            self._roll_back,
            self._bad,
            self._resource,
            self._crash,
            self._look_back,
        ]
        for chapter in chapters:
            await chapter()

    async def _go_live(self) -> None:
        stage = self._cast.stage
        await asyncio.to_thread(stage.publish, FASHION, 1, HALF, 4)  # a mistake of which more below
        stage.change(HALF, [1], {"stable": 1})
        stage.change(FASHION, [1], {"stable": 1}, policy="auto")
        await self._deliver(await self._commit(ADA, "half 1 and fashion 1 go live"), ADA)
        for server in stage.servers:
            for actor in (HALF, FASHION):
                self._cast.traffic.open(server, actor.name, "stable", 1)
        await self._all_answer("stable", 1, HALF.name, FASHION.name)

    async def _canary(self) -> None:
        self._cast.stage.change(HALF, [1, 2], {"stable": 1, "canary": 2})
        await self._deliver(await self._commit(GRACE, "half: 2 as canary"), GRACE)
        for server in self._cast.stage.servers:
            self._cast.traffic.open(server, HALF.name, "canary", 2)
        await self._all_answer("canary", 2, HALF.name)

    async def _promote(self) -> None:
        self._cast.stage.change(HALF, [2], {"stable": 2, "canary": 2})
        self._promotion = await self._commit(GRACE, "half: 2 is stable, 1 goes")
        await self._deliver(self._promotion, GRACE, stable=2)
        await self._all_answer("stable", 2, HALF.name)

    async def _revert(self) -> None:
        self._reverting = await asyncio.to_thread(self._cast.repository.revert, ALAN, self._promotion)
        await self._deliver(self._reverting, ALAN, stable=1)
        await self._all_answer("stable", 1, HALF.name)

    async def _missing(self) -> None:
        """A version that does not exist: held; what serves goes on serving, although git no longer lists it."""
        self._cast.stage.change(HALF, [1, 9], {"stable": 1, "canary": 9})
        await self._held(ADA, "half: 9 as canary, which nobody has exported", Held("canary", now=2, asked=9))

    async def _breaking(self) -> None:
        """An export with another signature under half's name: held before anything is loaded."""
        stage = self._cast.stage
        stage.change(HALF, [2, 4], {"stable": 4, "canary": 2})
        await self._held(GRACE, "half: 4 is stable, exported from the wrong model", Held("stable", now=1, asked=4))

    async def _roll_back(self) -> None:
        """The same as a revert by hand, without knowing which commit it was."""
        cast, before = self._cast, self._cast.repository.head()
        commit = await past.go_back(cast.stage.state, cast.repository, ALAN, HALF.name)
        self._expect_as_before()
        await self._deliver(commit, ALAN)  # pushed already
        cast.timeline.claim(
            await self._says_the_same(commit, f"{before}~1"),
            f"`reconciler rollback {HALF.name}` made a commit that takes all of it back",
        )

    async def _bad(self) -> None:
        """A version that loads, and answers otherwise than git expects: no label goes to it, and git is put right."""
        cast = self._cast
        cast.stage.expect_answers_of(HALF, 2)
        cast.stage.change(HALF, [2, 3], {"stable": 3, "canary": 2})
        commit = await self._commit(GRACE, "half: 3 is stable; it must answer like 2")
        mark, lines = cast.witness.mark(), cast.traffic.of(HALF.name, "stable")
        await self._push(commit, GRACE)
        taken = await self._pushed_after(commit)
        failed = {one.evidence for done in cast.witness.done_since(mark) for one in done.outcomes if one.evidence}
        for said in sorted(each for each in failed if "expected" in each):
            cast.timeline.say(f"          {said}", "magenta")
        await self._taken_back(taken, f"{commit}~1")
        cast.timeline.claim(not self._moved(mark), "no label ever moved, and what serves was never unloaded")
        cast.timeline.claim(all(line.latest == 1 for line in lines), "stable is still answered by 1")
        cast.stage.expect_nothing(HALF)

    async def _taken_back(self, taken: str, before: str) -> None:
        """The commit of the reconciler itself: what it says, and that nothing had to be sent for it."""
        cast = self._cast
        who = await asyncio.to_thread(cast.repository.author, taken)
        subject = await asyncio.to_thread(cast.repository.subject, taken)
        cast.timeline.chapter(self._now(), subject, taken, who)
        await cast.witness.settled(taken, cast.stage.servers, WITHIN)
        same = await self._says_the_same(taken, before)
        cast.timeline.claim(same, f"git says of {HALF.name} again what it said before: the reconciler's own commit")

    async def _says_the_same(self, one: str, other: str) -> bool:
        document = self._cast.stage.documents[HALF.name][0]
        return await asyncio.to_thread(self._cast.repository.same, document, one, other)

    async def _pushed_after(self, commit: str) -> str:
        """Wait until somebody else has pushed; the newest commit. Raises TookTooLong."""
        repository, deadline = self._cast.repository, time.monotonic() + WITHIN
        while await asyncio.to_thread(repository.published) == commit:
            if time.monotonic() > deadline:
                raise TookTooLong(f"Nobody took {commit[:10]} back within {WITHIN:g} s.")
            await asyncio.sleep(0.2)
        return await asyncio.to_thread(repository.pull)

    def _moved(self, mark: int) -> list[Action]:
        """What was done to labels since then, and to the versions they are on."""
        return [
            action
            for done in self._cast.witness.done_since(mark)
            for action in done.intent.body.actions
            if action.kind in (ActionKind.LABEL, ActionKind.UNLABEL, ActionKind.REMOVE_MODEL)
            or (action.kind is ActionKind.UNLOAD and action.version in (1, 2))
        ]

    async def _held(self, author: Author, message: str, held: "Held") -> None:
        """Push a commit that must not be carried out; claim that nothing that serves was touched."""
        cast = self._cast
        commit, mark = await self._commit(author, message), cast.witness.mark()
        for line in cast.traffic.of(HALF.name, held.label):
            line.expect(held.asked)
        await self._push(commit, author)
        said = await cast.witness.stalled(commit, cast.stage.servers, WITHIN)
        await asyncio.sleep(1.0)
        cast.timeline.held(sorted(set(said)))
        cast.timeline.answers(self._changes({(HALF.name, "canary"): "2", (HALF.name, "stable"): "1"}))
        cast.timeline.claim(not self._moved(mark), "nothing that serves was unloaded, and no label moved")
        still = all(line.latest == held.now for line in cast.traffic.of(HALF.name, held.label))
        cast.timeline.claim(still, f"{held.label} is still answered by {held.now}")

    async def _take_back(self) -> None:
        commit = await asyncio.to_thread(self._cast.repository.revert, ADA, self._cast.repository.head())
        self._expect_as_before()
        await self._deliver(commit, ADA)

    def _expect_as_before(self) -> None:
        for label, version in (("canary", 2), ("stable", 1)):
            for line in self._cast.traffic.of(HALF.name, label):
                line.expect(version)

    async def _resource(self) -> None:
        """Memory for one version of a model: `auto` unloads the old one first, for as long as the plan says at most."""
        cast = self._cast
        cast.stage.make_tight(FASHION, 1, (HALF, 1), (HALF, 2))
        cast.stage.change(FASHION, [2], {"stable": 2}, policy="auto")
        commit = await self._commit(GRACE, "fashion: 2 instead of 1, on servers with memory for one of them")
        stated, mark = await self._stated_gaps(), cast.witness.mark()
        lines = cast.traffic.of(FASHION.name, "stable")
        windows = [line.excuse("gap", time.monotonic()) for line in lines]
        for line in lines:
            line.expect(2)
        await self._deliver(commit, GRACE, said=False)
        await self._wait(lambda: all(line.latest == 2 for line in lines))
        loads = self._load_seconds(mark)
        for line, window in zip(lines, windows, strict=True):
            window.end = line.switched_at or time.monotonic()
            self._judge_gap(line, window, stated.get(line.server), loads.get(line.server, 0.0))
        cast.timeline.answers(self._changes({(FASHION.name, "stable"): "1"}))

    def _judge_gap(self, line: Line, window: Window, stated: dict[str, Any] | None, load: float) -> None:
        """Claim that the gap was stated, and was no longer than that; a load nobody had measured comes on top."""
        said = "nothing"
        bound = 0.0
        if stated is not None:
            bound = stated["seconds"] + (0.0 if stated["loadKnown"] else load)
            plus = "" if stated["loadKnown"] else f" plus the load, which took {words.duration(load)}"
            said = f"at most {words.duration(stated['seconds'])}{plus}"
        text = f"{line.name}: nobody answered for {words.duration(window.longest)}; the plan had said {said}"
        self._cast.timeline.claim(0.0 < window.longest <= bound, text)

    def _load_seconds(self, mark: int) -> dict[str, float]:
        """How long loads took on each server since then, as the service recorded them."""
        return {
            done.intent.server: outcome.at - done.intent.at
            for done in self._cast.witness.done_since(mark)
            for outcome in done.outcomes
            if outcome.action.kind is ActionKind.LOAD
        }

    async def _crash(self) -> None:
        """A server killed and started again empty: versions come back first, then labels."""
        cast, victim = self._cast, self._cast.processes.servers[0]
        server = cast.stage.servers[0]
        lines = [line for line in cast.traffic.lines if line.server == server]
        before = {(line.model, line.label): str(line.latest) for line in lines}
        cast.timeline.chapter(self._now(), f"{victim.name} is killed, and started again empty")
        windows = [line.excuse("down", time.monotonic()) for line in lines]
        mark, began = cast.witness.mark(), time.time()
        await asyncio.to_thread(victim.kill)
        await asyncio.sleep(DOWN_FOR)
        victim.start()
        await cast.witness.lost(server, WITHIN)
        await asyncio.to_thread(victim.wait)
        up = time.monotonic()
        await cast.witness.settled(cast.repository.head(), [server], WITHIN)
        healed = time.monotonic()
        await self._wait(lambda: all(line.last is not None and line.last > up for line in lines))
        for window in windows:
            window.end = time.monotonic()
        done = cast.witness.done_since(mark)
        cast.timeline.passes(done, began)
        cast.timeline.answers(self._changes(before, server))
        bodies = [each.intent.body for each in done]
        versions_first = any(bodies) and not any(model.labels for model in bodies[0].config.models)
        labels_later = any(action.kind is ActionKind.LABEL for body in bodies[1:] for action in body.actions)
        cast.timeline.claim(versions_first and labels_later, "healed in two phases: versions, then labels")
        cast.timeline.say(f"          healed {words.duration(healed - up)} after its port opened")

    async def _commit(self, author: Author, message: str) -> str:
        return await asyncio.to_thread(self._cast.repository.commit, author, message)

    async def _look_back(self) -> None:
        """What all this looks like afterwards."""
        self._cast.timeline.chapter(self._now(), f"`reconciler history {HALF.name}` says what became of the promotion")
        commits = (self._promotion, self._reverting)
        await past.look_back(self._cast.stage.state, HALF.name, commits, self._cast.timeline)

    async def _push(self, commit: str, author: Author) -> None:
        subject = await asyncio.to_thread(self._cast.repository.subject, commit)
        self._cast.timeline.chapter(self._now(), subject, commit, author.name)
        await asyncio.to_thread(self._cast.repository.push)
        self._sync.ask()

    async def _deliver(self, commit: str, author: Author, *, stable: int | None = None, said: bool = True) -> None:
        """Push a commit, wait until both servers are as it says, and print what was done and answered."""
        cast = self._cast
        before = {(line.model, line.label): str(line.latest) for line in cast.traffic.lines}
        for line in cast.traffic.of(HALF.name, "stable") if stable is not None else []:
            line.expect(stable or 0)
        mark, began = cast.witness.mark(), time.time()
        await self._push(commit, author)
        await cast.witness.settled(commit, cast.stage.servers, WITHIN)
        took = time.time() - began
        cast.timeline.passes(cast.witness.done_since(mark), began)
        cast.timeline.say(f"          both servers as git says after {words.duration(took)}")
        await asyncio.sleep(0.2)
        if said:
            cast.timeline.answers(self._changes(before))

    async def _all_answer(self, label: str, version: int, *models: str) -> None:
        """Claim that by now every client is answered by that version."""
        lines = [line for model in models for line in self._cast.traffic.of(model, label)]
        await self._wait(lambda: all(line.latest == version for line in lines))
        self._cast.timeline.claim(
            all(line.latest == version for line in lines),
            f"{' and '.join(models)} by {label} answered by {version}, on both servers, over REST and gRPC",
        )

    async def _stated_gaps(self) -> dict[str, dict[str, Any]]:
        """What `reconciler plan` says of the commit that is not pushed yet, as a reviewer would read it."""
        stage, work = self._cast.stage, self._cast.repository.work
        argv = ["-m", "reconciler", "plan", "--repo", str(work), "--state", str(stage.state), "-o", "json"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, said = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"`reconciler plan` ended with {process.returncode}: {said.decode().strip()}")
        servers = json.loads(out)["servers"]
        return {each["server"]: gap for each in servers for body in each["passes"] for gap in body["gaps"]}

    def _changes(self, before: dict[tuple[str, str], str], server: str | None = None) -> list[Change]:
        """What each label answered before and answers now, on all servers or on that one."""
        now: dict[tuple[str, str], set[str]] = {}
        for line in self._cast.traffic.lines:
            if server in (None, line.server):
                now.setdefault((line.model, line.label), set()).add(str(line.latest))
        return [
            Change(model, label, before[model, label], " and ".join(sorted(versions)))
            for (model, label), versions in now.items()
            if (model, label) in before
        ]

    async def _wait(self, holds: Callable[[], bool]) -> None:
        """Give the clients a moment to see it; whether they did is then claimed, not assumed."""
        deadline = time.monotonic() + 5.0
        while not holds() and time.monotonic() < deadline:  # noqa: ASYNC110 - answers come many times a second
            await asyncio.sleep(0.02)

    def _now(self) -> float:
        return time.monotonic() - self._began
