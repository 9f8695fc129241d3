"""A clock that stands until it is moved: for what asks the time and never waits."""

from reconciler.ports import AbstractDeadline


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = 1000.0

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds

    def deadline(self, seconds: float) -> AbstractDeadline:
        raise NotImplementedError
