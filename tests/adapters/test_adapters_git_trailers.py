import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.adapters.git_trailers import trailers

LINES = [
    "",
    "A title",
    "Model-Prune: all",
    "model-prune:all",
    "Key : value",
    "  continued",
    "(cherry picked from commit abc)",
    "Signed-off-by: Ada <ada@example.org>",
    "some prose",
    "see http://example.org/x",
    "a b: c",
    "# a comment",
    "Empty:",
    " ",
    ": no key",
    "---",
]


def by_git(message: str) -> list[tuple[str, str]]:
    command = ["git", "interpret-trailers", "--parse", "--no-divider"]
    said = subprocess.run(command, input=message, capture_output=True, text=True, check=True).stdout
    pairs = [line.partition(":") for line in said.splitlines()]
    return [(key.strip(), " ".join(value.split())) for key, _, value in pairs]


@settings(max_examples=40)
@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=9).map("\n".join))
def test_trailers_are_what_git_itself_finds(message: str) -> None:
    assert [(key, " ".join(value.split())) for key, value in trailers(message)] == by_git(message)


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("Title\n\nModel-Prune: all\n", [("Model-Prune", "all")]),
        ("Title\n\nBody: is prose\nand not trailers\n", []),
        ("Model-Prune: all\n", []),  # a title is never a trailer
        ("Title\n\nModel-Prune: all\n\nLast words\n", []),  # only the last paragraph counts
        ("Title\n\nA: 1\nA: 2\n", [("A", "1"), ("A", "2")]),  # both are kept
        ("Title\n\nA: 1\n  and more\n", [("A", "1 and more")]),
        ("Title\n\nprose\nSigned-off-by: A\n", [("Signed-off-by", "A")]),  # git's own line makes it a trailer block
        ("", []),
    ],
)
def test_trailers_are_the_last_paragraph_and_never_the_title(message: str, found: list[tuple[str, str]]) -> None:
    assert list(trailers(message)) == found


@pytest.mark.parametrize("line", ["#\n\n", " more\n", "Key: value\n"])
def test_a_message_without_end_costs_time_in_proportion(line: str) -> None:
    """Each of these took time with the square of its length once: minutes for a message that fits into one push."""
    message = "Title\n\nKey: value\n" + line * 200_000
    began = time.process_time()
    trailers(message)
    assert time.process_time() - began < 10
