"""Numbers in the sentences of holds, as people say them. Called by every module of `plan/` that words a hold."""


def times(count: int) -> str:
    """How often: once, twice, 3 times."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def counted(count: int, thing: str) -> str:
    """So many things: 1 load, 2 loads."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
