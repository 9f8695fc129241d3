"""`reconciler demo`."""


def demo() -> int:
    """Show the whole road on this machine: real model servers, real git commits, real requests; about 90 seconds."""
    from reconciler.cli import demo as playing

    return playing.main()
