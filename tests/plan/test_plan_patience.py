"""Pauses that double: they end at their longest, however many days a server goes on refusing or not answering."""

from dataclasses import replace

import pytest
from builders import at, lines, model, planned, reasons, server

from reconciler.state.memory import Outstanding, Refusal
from reconciler.state.plan import PassKind

WANTED = server(model("a", (1,), stable=1))


def test_server_that_refused_for_days_is_still_tried_every_minute() -> None:
    before = at(server(model("a", (1,))))
    refused = Refusal(9, "Request to assign label", 5000, before.at - 61.0)

    assert lines(planned(WANTED, replace(before, refusal=refused))) == ["1 label a stable ->1"]


def test_reload_repeated_for_days_is_still_repeated() -> None:
    before = at(WANTED)
    waiting = Outstanding(before.sent, (), before.at - 3601.0, tries=5000)

    assert planned(WANTED, replace(before, outstanding=waiting)).passes[0].kind is PassKind.RESEND


@pytest.mark.parametrize(("tries", "age", "held"), [(1, 5.0, "Unsettled"), (2, 11.0, "Unsettled"), (3, 23.0, "Wedged")])
def test_repetitions_of_an_unanswered_reload_come_ever_more_rarely(tries: int, age: float, held: str) -> None:
    before = at(WANTED)
    waiting = Outstanding(before.sent, (), before.at - age, tries=tries)

    plan = planned(WANTED, replace(before, outstanding=waiting))

    assert (plan.next_pass, reasons(plan), plan.blocked) == (None, {held}, held == "Wedged")
