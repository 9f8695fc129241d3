"""The text of ledger lines: canonical, chained, without secrets, and readable by plain tools."""

import hashlib
import subprocess
from dataclasses import replace

import pytest

from reconciler.adapters import ledger_lines
from reconciler.adapters.ledger_lines import LineError, body, digest, entry, parted, published, sealed
from reconciler.state.entry import Entry, EntryAction, EntryKind

ENTRY = Entry(
    0,
    "",
    "",
    EntryKind.OUTCOME,
    7,
    "c0ffee",
    "Ann Ünal <ann@example.com>",
    "",
    "",
    "beef",
    "eu",
    "eu/gpu-1",
    "fashion",
    "sha256:1",
    (
        EntryAction("load", 2**62, because="git lists it", outcome="Done", evidence="v2 AVAILABLE"),
        EntryAction("label", 42, "stable", 41),
        EntryAction("check", 42, check="golden"),
    ),
    1763694000.123456,
    1763694009.5,
    "Done",
    'said "no"\nand more',
    "commit",
    "Promote",
)


def test_a_line_reads_back_as_it_was_written() -> None:
    told = sealed(ENTRY, 3, "feed")
    assert entry(body(told), told.hash) == told
    assert replace(told, id=0, previous="", hash="") == ENTRY


def test_an_intent_has_no_end_yet() -> None:
    told = sealed(replace(ENTRY, kind=EntryKind.INTENT, finished=None, outcome="", evidence=""), 1, "")
    assert entry(body(told), told.hash) == told


def test_a_line_is_one_line_with_sorted_keys_and_no_white_space() -> None:
    text = body(sealed(ENTRY, 3, "feed"))
    assert "\n" not in text
    assert text.startswith('{"actions":[{"because":"git lists it","evidence":"v2 AVAILABLE","kind":"load",')
    assert '"started":"2025-11-21T03:00:00.123456Z"' in text
    assert f'"version":"{2**62}"' in text


def test_another_predecessor_or_another_word_makes_another_hash() -> None:
    hashes = {
        sealed(ENTRY, 3, "feed").hash,
        sealed(ENTRY, 3, "food").hash,
        sealed(ENTRY, 4, "feed").hash,
        sealed(replace(ENTRY, reason="Demote"), 3, "feed").hash,
    }
    assert len(hashes) == 4


def test_a_published_line_is_verified_with_sed_and_sha256sum() -> None:
    told = sealed(ENTRY, 3, "feed")
    line = published(body(told), told.hash)
    command = """sed 's/,"hash":"[0-9a-f]*"}$/}/' | tr -d '\\n' | sha256sum | cut -d' ' -f1"""
    said = subprocess.run(["sh", "-c", command], input=line + "\n", capture_output=True, text=True, check=True).stdout
    assert said.strip() == told.hash == hashlib.sha256(body(told).encode()).hexdigest()


def test_a_published_line_comes_apart_again() -> None:
    told = sealed(ENTRY, 3, "feed")
    assert parted(published(body(told), told.hash)) == (body(told), told.hash)


@pytest.mark.parametrize("text", ["", "{}", '{"a":1,"hash":"x"', "[]"])
def test_a_line_without_a_hash_is_none(text: str) -> None:
    with pytest.raises(LineError, match="hash"):
        parted(text)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"formatVersion":"1.0"}', "3", '{"formatVersion":"1.0","id":'])
def test_other_texts_are_no_lines(text: str) -> None:
    with pytest.raises(LineError):
        entry(text, "")


def test_a_line_of_a_newer_format_says_so() -> None:
    text = body(sealed(ENTRY, 1, "")).replace('"formatVersion":"1.0"', '"formatVersion":"2.0"')
    with pytest.raises(LineError, match=r"format 2\.0.*newer"):
        entry(text, digest(text))


def test_a_line_of_a_later_minor_format_is_read() -> None:
    text = body(sealed(ENTRY, 1, "")).replace('"formatVersion":"1.0"', '"formatVersion":"1.9","new":1')
    assert entry(text, digest(text)).model == "fashion"


def test_passwords_in_urls_are_not_told() -> None:
    told = sealed(
        replace(
            ENTRY,
            reason="see https://ann:hunter2@git.example.com/x?token=abc",
            evidence="s3://key:hunter2@bucket",
            author="https://u:hunter2@h <a>",
            actions=(EntryAction("load", because="ssh://git:hunter2@h/x", evidence="https://t:hunter2@h/"),),
        ),
        1,
        "",
    )
    assert "hunter2" not in body(told)
    assert "abc" not in body(told)
    assert told.reason == "see https://***@git.example.com/x?***"


def test_a_text_without_end_is_cut() -> None:
    told = sealed(replace(ENTRY, evidence="x" * 100_000), 1, "")
    assert told.evidence == "x" * (ledger_lines.LONGEST_TEXT - 1) + "…"
