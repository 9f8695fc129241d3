"""What the clients were answered: one `Line` per server, model and label, and what git allowed it to say at that time.

Filled by `traffic.py`, judged by `story.py`. Nothing here sends anything; times are given, in seconds.
"""

import math
from dataclasses import dataclass, field

REFUSALS = ("NOT_FOUND", "INVALID_ARGUMENT", "HTTP 404", "HTTP 400")
"""How a server says that a label leads to nothing, over gRPC and REST."""


@dataclass(slots=True)
class Window:
    """A stretch in which failures are expected and announced: `kind` is "down" or "gap". `end` is inf while open.

    longest: the longest stretch in it in which nobody was answered.
    """

    kind: str
    begin: float
    end: float = math.inf
    failed: int = 0
    longest: float = 0.0

    def overlaps(self, begin: float, end: float) -> bool:
        """Whether the stretch from begin to end touches this one."""
        return begin <= self.end and end >= self.begin

    def excuses(self, why: str) -> bool:
        """Whether that failure was announced: any while the server is down, in a gap only the refusal it means."""
        return self.kind == "down" or why.startswith(REFUSALS)


@dataclass(slots=True)
class Line:
    """The requests by one label of one model on one server, over both protocols.

    `expect` tells it what git says; while a change is under way the old version or the new one may answer, and once the
    new one was seen, no request sent after that may be answered by the old one. A request that was sent before may,
    however long it takes: `past` holds until when each version that was left could be met.
    """

    server: str
    model: str
    label: str
    old: int
    new: int
    switched_at: float | None = None
    past: list[tuple[int, float]] = field(default_factory=list)
    in_flight: int = 0
    sent: int = 0
    answers: dict[int, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    longest: float = 0.0
    first: float | None = None
    ended: float = 0.0
    last: float | None = None
    latest: int | None = None
    latest_sent: float = 0.0

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.model} by {self.label} on {self.server}"

    @property
    def rate(self) -> float:
        """Requests per second from the first to the last, the time in which the server was down left out."""
        if self.first is None:
            return 0.0
        down = [window for window in self.windows if window.kind == "down"]
        seconds = self.ended - self.first - sum(min(window.end, self.ended) - window.begin for window in down)
        sent = self.sent - self.failed_in("down")
        return sent / seconds if seconds > 0 else 0.0

    def expect(self, version: int) -> None:
        """From now on git gives the label this version; until it is seen, the one before may still answer."""
        self.old, self.new, self.switched_at = self.new, version, None

    def excuse(self, kind: str, now: float) -> Window:
        """Failures from now on are announced, until the window is closed by setting its end."""
        window = Window(kind, now)
        self.windows.append(window)
        return window

    def answered(self, version: int, sent: float, now: float) -> None:
        """A request sent at `sent` was answered now, by that version."""
        self._count(sent, now)
        self.answers[version] = self.answers.get(version, 0) + 1
        if not self._allowed(version, sent):
            self.wrong.append(f"{self.name}: answered by {version}, git says {self.new}, before that {self.old}")
        if version == self.new and self.switched_at is None:
            self.switched_at = now
            self.past.append((self.old, now))
        self._pause(now)
        self.last = now
        if sent >= self.latest_sent:
            self.latest, self.latest_sent = version, sent

    def failed(self, why: str, sent: float, now: float) -> None:
        """A request sent at `sent` came back without an answer."""
        self._count(sent, now)
        # A slow request can touch two stretches: sent in a gap, cut off when the server was killed.
        window = next((each for each in self.windows if each.overlaps(sent, now) and each.excuses(why)), None)
        if window is None:
            self.failures.append(f"{self.name}: {why}")
        else:
            window.failed += 1

    def failed_in(self, kind: str) -> int:
        """How many failed in announced windows of that kind."""
        return sum(window.failed for window in self.windows if window.kind == kind)

    def _count(self, sent: float, now: float) -> None:
        self.sent += 1
        self.first = sent if self.first is None else self.first
        self.ended = now

    def _allowed(self, version: int, sent: float) -> bool:
        if version == self.new or (version == self.old and self.switched_at is None):
            return True
        return any(version == left and sent < until for left, until in self.past)

    def _pause(self, now: float) -> None:
        if self.last is None:
            return
        window = self._window(self.last, now)
        if window is None:
            self.longest = max(self.longest, now - self.last)
        else:
            window.longest = max(window.longest, now - self.last)

    def _window(self, begin: float, end: float) -> Window | None:
        return next((window for window in self.windows if window.overlaps(begin, end)), None)
