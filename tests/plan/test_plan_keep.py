"""adopt: keep. First contact goes on only once git names everything that the server's metrics page shows."""

from dataclasses import replace

import pytest
from builders import FLEET, at, model, planned, reasons, server

from reconciler.state.desired import Adopt
from reconciler.state.look import Page
from reconciler.state.memory import Standing
from reconciler.state.observed import Observed
from reconciler.state.plan import ServerPlan

WANTED = server(model("half", (1,), stable=1), fleet=replace(FLEET, adopt=Adopt.KEEP))
PATH = "/models/half"


def met(page: Page | None) -> ServerPlan:
    observed: Observed = replace(at(WANTED), standing=Standing.FIRST_CONTACT, page=page)
    return planned(WANTED, observed)


@pytest.mark.parametrize("page", [Page(), Page(("half",)), Page(("half",), (PATH,))])
def test_where_git_names_everything_on_the_page_the_server_is_taken_over(page: Page) -> None:
    assert met(page).next_pass is not None


@pytest.mark.parametrize(
    "page", [Page(("half", "other")), Page((), (PATH, "/elsewhere/half")), Page(("other",), (PATH,))]
)
def test_what_git_does_not_name_is_named_and_nothing_is_sent(page: Page) -> None:
    plan = met(page)
    assert (plan.next_pass, reasons(plan)) == (None, {"AdoptionUnconfirmed"})
    assert "other" in plan.holds[0].detail or "/elsewhere/half" in plan.holds[0].detail
    assert "reconciler import" in plan.holds[0].released_by


@pytest.mark.parametrize(("page", "blocked"), [(None, False), (Page(unseen="it answers 404"), True)])
def test_a_page_that_was_not_read_proves_nothing(page: Page | None, blocked: bool) -> None:
    plan = met(page)
    assert (plan.next_pass, reasons(plan), plan.blocked) == (None, {"AdoptionUnconfirmed"}, blocked)


def test_a_server_that_is_known_needs_no_page() -> None:
    assert planned(WANTED, at(WANTED)).as_git_says
