"""The story as people read it while it happens: commits, actions, durations, and what each label answered.

Called by `story.py`. Printing only; every number is given.
"""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from reconciler.expose import words
from reconciler.expose.timeline import Done, deeds
from reconciler.state.outcome import OutcomeKind

WIDTH = 100
"""Columns of a paragraph: reasons of holds are sentences."""

STYLES = {"+": "green", "-": "red", "~": "yellow", "?": "cyan"}


@dataclass(frozen=True, slots=True)
class Change:
    """What one label answered before and after a chapter, over all servers; "" where it did not exist."""

    model: str
    label: str
    before: str
    after: str


class Timeline:
    """Prints."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.broken: list[str] = []

    def say(self, text: str, style: str = "dim") -> None:
        """A remark."""
        self._console.print(Text(text, style), soft_wrap=True)

    def chapter(self, at: float, title: str, commit: str = "", author: str = "") -> None:
        """What happens now: a commit with its author, or an accident. `at` in seconds since the story began."""
        text = Text(f"\n{at:6.1f} s  ", "dim")
        if commit:
            text.append(commit[:7], "yellow").append(f" {author}: ", "cyan")
        self._console.print(text.append(title, "bold"), soft_wrap=True)

    def passes(self, done: Iterable[Done], began: float) -> None:
        """What was done on each server; `began` (seconds since the epoch) is when the commit was pushed."""
        found = list(done)
        for server in sorted({each.intent.server for each in found}):
            for number, each in enumerate(one for one in found if one.intent.server == server):
                self._pass("" if number else server, each, began)

    def _pass(self, server: str, done: Done, began: float) -> None:
        actions = zip(done.intent.body.actions, deeds(done.intent), strict=True)
        for number, (action, deed) in enumerate(actions):
            at = f"+{max(0.0, done.intent.at - began):.1f} s" if not number else ""
            ended = done.outcome(action)
            took = f"{ended.at - done.intent.at:.1f} s" if ended else "under way"
            text = Text(f"          {'' if number else server:<14}{at:>8}  ")
            text.append(f"{words.sign(action)} {deed:<40}", STYLES[words.sign(action)]).append(f"{took:>8}", "dim")
            if ended is not None and ended.kind is not OutcomeKind.DONE:
                text.append(f"  {words.spaced(ended.kind)}", "red")
            self._console.print(text, soft_wrap=True)

    def answers(self, changes: Sequence[Change]) -> None:
        """What each label answered before and after."""
        for each in changes:
            if each.before != each.after:
                text = Text("          ").append(f"{each.model} by {each.label} answered ", "dim")
                self._console.print(text.append(f"{each.before} → {each.after}", "bold"), soft_wrap=True)
        same = [f"{each.model} by {each.label} {each.after}" for each in changes if each.before == each.after]
        if same:
            self.say(f"          still answered: {', '.join(same)}")

    def held(self, stalls: Iterable[str]) -> None:
        """Why both servers leave a commit alone: `Reason: why; released by what`, a line for each part."""
        for each in stalls:
            reason, _, rest = each.partition(": ")
            why, _, release = rest.partition("; released by ")
            self.say(f"          held on both servers: {reason}", "magenta")
            for part in (why, f"released by {release}"):
                lines = textwrap.wrap(part, WIDTH, break_long_words=False, break_on_hyphens=False)
                self.say("\n".join(f"            {line}" for line in lines), "magenta")

    def claim(self, holds: bool, text: str) -> None:
        """Something that the demo claims, and whether it held."""
        self._console.print(
            Text(f"          {'✓' if holds else '✗'} {text}", "green" if holds else "bold red"), soft_wrap=True
        )
        if not holds:
            self.broken.append(text)
