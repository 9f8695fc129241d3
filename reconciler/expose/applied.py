"""How an `apply` ended, as text and as data.

Called by `apply`. The four lists are the loop's; what each server waits for is told by `explain`.
"""

from dataclasses import dataclass

from reconciler.expose import words
from reconciler.expose.documents import Data, envelope
from reconciler.state.desired import Commit


@dataclass(frozen=True, slots=True)
class Result:
    """What became of every server, as ids: as git says; held; on its way when time ran out; stopped by an error."""

    commit: Commit
    converged: tuple[str, ...]
    blocked: tuple[str, ...]
    unfinished: tuple[str, ...]
    halted: tuple[str, ...]


def result_text(result: Result) -> str:
    """One line per server that is not as git says, then a summary."""
    commit = result.commit
    lines = [f"{server}  held: `reconciler explain {server}` says by what" for server in result.blocked]
    lines += [f"{server}  not finished in time: `reconciler explain {server}`" for server in result.unfinished]
    lines += [f"{server}  stopped by an error: `reconciler explain {server}`" for server in result.halted]
    total = sum(map(len, (result.converged, result.blocked, result.unfinished, result.halted)))
    done = f"{len(result.converged)} of {words.count(total, 'server')}"
    return "\n".join([*lines, f"{done} as commit {commit.short} says."]) + "\n"


def result_document(result: Result) -> dict[str, Data]:
    """The same as data."""
    return envelope(
        "Applied",
        {
            "commit": result.commit.id,
            "converged": list(result.converged),
            "blocked": list(result.blocked),
            "unfinished": list(result.unfinished),
            "halted": list(result.halted),
        },
    )
