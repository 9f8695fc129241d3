"""Names below a base path, as the server reads them and as we publish them."""

import pytest

from reconciler import preflight


@pytest.mark.parametrize(
    ("name", "version"),
    [("1", 1), ("007", 7), ("+8", 8), (" 9", 9), ("10 ", 10), ("9223372036854775807", 2**63 - 1)],
)
def test_what_the_server_reads_as_a_version_is_one(name: str, version: int) -> None:
    assert preflight.number_of(name) == version


@pytest.mark.parametrize(
    "name", ["", "_4", "3.5", "12x", "1e2", "0x10", "2.denied", "8.tmp", "9223372036854775808", "0", "-7", "９", "1\n2"]
)
def test_what_is_no_publishable_version_is_ignored(name: str) -> None:
    assert preflight.number_of(name) is None


def test_plain_name_alone_lacks_nothing() -> None:
    (found,) = preflight.spellings(["tmp", "5"])
    assert (found.version, found.name, found.lacks) == (5, "5", ())


def test_two_spellings_of_one_version_cannot_be_published() -> None:
    (found,) = preflight.spellings(["1", "01"])
    assert found.name == "1"
    assert found.lacks == ("one spelling: '01' means version 1 too; remove it",)


def test_leading_zeros_ask_for_a_plain_name() -> None:
    (found,) = preflight.spellings(["00000123"])
    assert found.name == "00000123"
    assert "rename it to 123" in found.lacks[0]
