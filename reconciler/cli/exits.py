"""The exit codes, which scripts and workflows branch on; docs/reference/exit-codes.md says the same to users.

`plan --detailed-exitcode` follows Terraform (0 nothing, 1 error, 2 changes), `diff` follows diff(1) (0 same, 1 differs,
2 trouble); every other verb uses these.
"""

import enum

from reconciler import errors


class Exit(enum.IntEnum):
    """What a process says when it ends."""

    OK = 0
    ERROR = 1
    USAGE = 2
    BLOCKED = 3  # a lock, a policy, a plan that is not the reviewed one, a merge conflict
    PARTLY = 4  # some servers are as asked, others are held or failed
    TIMED_OUT = 5
    INTERRUPTED = 130


class Blocked(errors.ReconcilerError):
    """What was asked may not be done as things stand; the message says by what and what to do."""


class Misused(errors.ReconcilerError):
    """The command was called in a way that means nothing; the message says how to call it."""


def code_for(error: errors.ReconcilerError) -> Exit:
    """The exit code of an error that ends a command."""
    match error:
        case (
            errors.StateLocked()
            | errors.PlanError()
            | errors.HistoryRewritten()
            | errors.SourceUnverified()
            | errors.MergeConflict()
            | Blocked()
        ):
            return Exit.BLOCKED
        case Misused():
            return Exit.USAGE
        case _:
            return Exit.ERROR
