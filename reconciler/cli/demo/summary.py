"""The end of the demo: what was sent, what failed, the longest pause; and the claims about all of it.

Called by `__init__` once the clients have stopped.
"""

from collections.abc import Sequence

from reconciler.cli.demo.tally import Line
from reconciler.cli.demo.timeline import Timeline
from reconciler.expose import words

LIMIT = 90.0
"""Seconds that the story may take."""

ENOUGH = 50.0
"""Requests per second by each label, over all servers and both protocols."""


def summarise(lines: Sequence[Line], timeline: Timeline, seconds: float) -> None:
    """Print the numbers and judge them."""
    sent = sum(line.sent for line in lines)
    failures = [each for line in lines for each in line.failures]
    wrong = [each for line in lines for each in line.wrong]
    down, gap = (sum(line.failed_in(kind) for line in lines) for kind in ("down", "gap"))
    longest = max((line.longest for line in lines), default=0.0)
    timeline.say(f"\nIn {words.duration(seconds)}:", "bold")
    timeline.say(f"  requests sent                        {sent:>7,}", "")
    timeline.say(f"  failed                               {len(failures):>7,}", "")
    timeline.say(f"  failed while the server was down     {down:>7,}   (killed on purpose)", "")
    timeline.say(f"  failed in the announced resource gap {gap:>7,}   (stated by the plan)", "")
    timeline.say(f"  longest pause between two answers    {longest * 1000:>4,.0f} ms   (outside those two)", "")
    timeline.claim(sent > 0 and not failures, "no request failed")
    timeline.claim(not wrong, "every answer was of a version that git allowed at that time")
    for each in [*dict.fromkeys(failures), *dict.fromkeys(wrong)][:10]:
        timeline.say(f"            {each}", "red")
    _pace(lines, timeline)
    timeline.claim(seconds < LIMIT, f"all of it within {LIMIT:g} s")


def _pace(lines: Sequence[Line], timeline: Timeline) -> None:
    rates: dict[tuple[str, str], float] = {}
    for line in lines:
        name = (line.model, line.label)
        rates[name] = rates.get(name, 0.0) + line.rate
    slowest = min(rates.values(), default=0.0)
    timeline.claim(
        slowest >= ENOUGH, f"at least {ENOUGH:g} requests a second by every label (the fewest: {slowest:.0f})"
    )
