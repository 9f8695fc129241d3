"""What a Model lets the reconciler commit by itself: going back after a failure, promoting, taking up new versions.

Made by `parse/`, judged by `propose/`. All of it is off unless the document says otherwise, and nothing is committed by
a service that was not started with `--bots`.
"""

import enum
from dataclasses import dataclass


class OnFailure(enum.StrEnum):
    """What follows when a new spec has failed: nothing but holding still, a revert on a branch, a revert pushed."""

    HOLD = "hold"
    BRANCH = "branch"
    PUSH = "push"


class Via(enum.StrEnum):
    """Where a commit made here goes: onto the followed branch, or onto one of its own, for people to merge."""

    PUSH = "push"
    BRANCH = "branch"


@dataclass(frozen=True, slots=True)
class Promotion:
    """Move label `to` to where `from_` is, once that has stood well for `bake` seconds on every server.

    drop_old: take versions that no label points at any more off the list in the same commit.
    """

    from_: str = "canary"
    to: str = "stable"
    bake: float = 3600.0
    drop_old: bool = False
    via: Via = Via.PUSH


@dataclass(frozen=True, slots=True)
class Discover:
    """Point `label` at the highest new version in storage, of those whose digits match `pattern` (`*` and `?`).

    keep: how many versions without a label stay listed beside those with one, the highest ones.
    """

    pattern: str = "*"
    label: str = "canary"
    keep: int = 0
    via: Via = Via.PUSH


@dataclass(frozen=True, slots=True)
class Automation:
    """What one Model asks for. promotion, discover: None where it is off. blocked: versions no bot may propose."""

    on_failure: OnFailure = OnFailure.HOLD
    promotion: Promotion | None = None
    discover: Discover | None = None
    blocked: tuple[int, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether any bot has something to do here, now or ever."""
        return self.on_failure is not OnFailure.HOLD or self.promotion is not None or self.discover is not None
