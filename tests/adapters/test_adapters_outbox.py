from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.adapters.ledger import SqliteLedger
from reconciler.adapters.outbox import SqliteOutbox
from reconciler.errors import RecordError
from reconciler.state.report import Letter, Report, ReportState


def report(
    commit: str = "c1", state: ReportState = ReportState.PENDING, text: str = "0 of 1", fleet: str = "eu"
) -> Report:
    return Report(commit, fleet, state, text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite"
    SqliteLedger(path).close()
    return path


@pytest.fixture
def outbox(path: Path) -> Iterator[SqliteOutbox]:
    with closing(SqliteOutbox(path)) as found:
        yield found


def test_what_is_put_waits_until_the_host_has_it(outbox: SqliteOutbox) -> None:
    outbox.put([report()], 10.0)
    assert outbox.letters() == (Letter(report(), 10.0),)
    outbox.taken(report(), 11.0)
    assert outbox.letters() == ()
    assert outbox.reports() == (report(),)


def test_the_newest_of_a_commit_and_fleet_wins(outbox: SqliteOutbox) -> None:
    outbox.put([report(), report(fleet="us")], 10.0)
    outbox.put([report(state=ReportState.SUCCESS, text="1 of 1")], 12.0)
    assert [(each.report.fleet, each.report.state, each.at) for each in outbox.letters()] == [
        ("eu", ReportState.SUCCESS, 12.0),
        ("us", ReportState.PENDING, 10.0),
    ]


def test_another_text_does_not_make_a_state_younger(outbox: SqliteOutbox) -> None:
    outbox.put([report()], 10.0)
    outbox.put([report(text="1 of 2")], 12.0)
    assert [(each.report.text, each.at) for each in outbox.letters()] == [("1 of 2", 10.0)]


def test_what_the_host_has_is_known_beside_what_is_new(outbox: SqliteOutbox) -> None:
    outbox.put([report()], 10.0)
    outbox.taken(report(), 11.0)
    outbox.put([report(state=ReportState.SUCCESS)], 12.0)
    (letter,) = outbox.letters()
    assert (letter.taken, letter.taken_at) == (report(), 11.0)


def test_what_was_sent_and_not_answered_is_known_after_a_crash(path: Path, outbox: SqliteOutbox) -> None:
    outbox.put([report()], 10.0)
    outbox.trying(report())
    with closing(SqliteOutbox(path)) as again:
        assert [each.tried for each in again.letters()] == [True]
        again.returned(report())
        assert [each.tried for each in again.letters()] == [False]


def test_what_became_something_else_meanwhile_was_not_sent(outbox: SqliteOutbox) -> None:
    outbox.put([report()], 10.0)
    outbox.trying(report())
    outbox.put([report(text="1 of 2")], 11.0)
    assert [each.tried for each in outbox.letters()] == [False]


def test_what_arrived_late_does_not_count_for_what_came_after_it(outbox: SqliteOutbox) -> None:
    outbox.put([report()], 10.0)
    outbox.put([report(text="1 of 2")], 11.0)
    outbox.taken(report(), 12.0)
    assert [each.report.text for each in outbox.letters()] == ["1 of 2"]


def test_it_is_bounded_and_gives_up_what_the_host_has_before_what_waits(path: Path) -> None:
    with closing(SqliteOutbox(path, most=3)) as outbox:
        outbox.put([report("c1"), report("c2"), report("c3")], 10.0)
        outbox.taken(report("c2"), 11.0)
        outbox.put([report("c4")], 12.0)
        assert [each.commit for each in outbox.reports()] == ["c1", "c3", "c4"]
        outbox.put([report("c5")], 13.0)
        assert [each.commit for each in outbox.reports()] == ["c3", "c4", "c5"]


def test_an_older_record_gets_an_outbox_when_it_is_opened(path: Path) -> None:
    with closing(SqliteLedger(path)), closing(SqliteOutbox(path)) as outbox:
        assert outbox.reports() == ()


def test_a_record_that_is_damaged_is_said_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with closing(SqliteOutbox(path)) as outbox, pytest.raises(RecordError, match=r"damaged.*commit statuses"):
        outbox.letters()
