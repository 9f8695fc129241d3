"""The files of the published ledger, as text."""

import json

import pytest

from reconciler.adapters import ledger_pages


@pytest.mark.parametrize("mark", ["\u2028", "\x85"])
def test_a_line_with_a_mark_that_some_take_for_the_end_of_a_line_is_known(mark: str) -> None:
    """Otherwise it is published again after an older copy of the record was put back."""
    line = json.dumps({"evidence": f"the server said{mark}so", "hash": "h", "id": 7}, ensure_ascii=False)
    assert list(ledger_pages.known([f"{line}\n"])) == [(7, "h")]
