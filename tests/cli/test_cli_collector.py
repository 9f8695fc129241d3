"""The collector pauses for the body, and is left as it was found."""

import gc

import pytest

from reconciler.cli import collector


def test_collections_pause_for_the_body_and_come_back() -> None:
    with collector.paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_collections_come_back_after_an_error() -> None:
    with pytest.raises(KeyError), collector.paused():
        raise KeyError
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with collector.paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
