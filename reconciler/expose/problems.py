"""Problems of a commit as lines `file:line:column …` and as data.

Called by `validate` and by every command that meets an invalid commit. The problems are made by `parse/`.
"""

import re
from collections.abc import Sequence

from reconciler.expose import words
from reconciler.expose.documents import Data, envelope

_PLACED = re.compile(r"^(?P<path>[^:\n]*):(?P<line>[0-9]+):(?P<column>[0-9]+) (?P<rest>.*)$", re.DOTALL)


def problems_text(problems: Sequence[str], warnings: Sequence[str], checked: str) -> str:
    """Every problem and warning on its line, then a verdict."""
    lines = [f"error: {each}" for each in problems] + [f"warning: {each}" for each in warnings]
    noted = f" with {words.count(len(warnings), 'warning')}" if warnings else ""
    verdict = f"{words.count(len(problems), 'problem')} in {checked}." if problems else f"{checked} is valid{noted}."
    return "\n".join([*lines, verdict]) + "\n"


def problems_document(problems: Sequence[str], warnings: Sequence[str], checked: str) -> dict[str, Data]:
    """The same as data: each with path, line and column apart, for editors and check annotations."""
    return envelope(
        "Validation",
        {
            "checked": checked,
            "valid": not problems,
            "problems": [_placed(each) for each in problems],
            "warnings": [_placed(each) for each in warnings],
        },
    )


def _placed(line: str) -> dict[str, Data]:
    found = _PLACED.match(line)
    if found is None:
        return {"path": None, "line": None, "column": None, "message": line}
    return {
        "path": found["path"],
        "line": int(found["line"]),
        "column": int(found["column"]),
        "message": found["rest"],
    }
