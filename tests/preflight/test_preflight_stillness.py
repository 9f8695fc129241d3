"""A directory counts as written once it was seen the same for a while; how it came there does not matter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import preflight
from reconciler.preflight import FileFact, Sighting

HALF = (FileFact("variables/variables.data-00000-of-00001", 5, 90.0),)
WHOLE = (FileFact("variables/variables.data-00000-of-00001", 9, 95.0),)


def after(*looks: tuple[float, tuple[FileFact, ...]], age: float = 0.0) -> tuple[str, ...]:
    """What the directory lacks at the last of these looks; `age` is what the files say at the first."""
    seen: Sighting | None = None
    for now, files in looks:
        seen = preflight.sighted(seen, files, now, age)
    assert seen is not None
    return preflight.unrest(seen, looks[-1][0])


def test_directory_that_was_not_there_before_is_waited_for() -> None:
    assert after((10.0, WHOLE)) == ("rest: it is still growing, or was within the last 2 s",)


def test_directory_seen_the_same_over_two_looks_is_written() -> None:
    assert after((10.0, WHOLE), (12.0, WHOLE)) == ()


def test_two_looks_in_quick_succession_prove_nothing() -> None:
    assert after((10.0, WHOLE), (10.1, WHOLE))


def test_directory_that_changed_since_the_look_before_is_growing() -> None:
    assert after((10.0, HALF), (20.0, WHOLE))


def test_change_of_time_alone_is_a_change() -> None:
    touched = tuple(FileFact(each.path, each.size, each.changed + 1) for each in WHOLE)
    assert after((10.0, WHOLE), (20.0, touched))


def test_files_that_lay_still_before_the_first_look_need_no_second_one() -> None:
    assert after((10.0, WHOLE), age=60.0) == ()


def test_files_written_just_before_the_first_look_are_waited_for() -> None:
    assert after((10.0, WHOLE), age=0.5)
    assert after((10.0, WHOLE), (11.6, WHOLE), age=0.5) == ()


def test_files_from_the_future_need_two_looks() -> None:
    assert after((10.0, WHOLE), age=-3600.0)
    assert after((10.0, WHOLE), (12.0, WHOLE), age=-3600.0) == ()


@pytest.mark.parametrize(("files", "seconds"), [(HALF + WHOLE, 5.0), ((FileFact("f", 1),), 100.0), ((), 100.0)])
def test_age_is_that_of_the_latest_change_and_great_where_none_is_known(
    files: tuple[FileFact, ...], seconds: float
) -> None:
    assert preflight.age(files, 100.0) == seconds


@given(st.lists(st.tuples(st.floats(0.1, 5.0), st.sampled_from((HALF, WHOLE))), min_size=2, max_size=8))
def test_what_counts_as_written_was_the_same_at_every_look_of_that_time(
    steps: list[tuple[float, tuple[FileFact, ...]]],
) -> None:
    looks, now = [], 0.0
    for pause, files in steps:
        now += pause
        looks.append((now, files))
    if after(*looks) == ():
        last, files = looks[-1]
        recent = [seen for at, seen in looks if at > last - preflight.STILL_AFTER]
        assert set(recent) == {files}
        assert len([seen for _, seen in looks if seen == files]) > 1
