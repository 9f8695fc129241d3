"""structlog, imported without Rich.

structlog imports Rich for its tracebacks wherever Rich is installed, and Rich brings Pygments and attrs: 5 MB in every
service, for tracebacks that `logs` does not ask it to draw. structlog has a way without Rich; `None` in `sys.modules`
is Python's own word for "not to be imported" and leads there. Whoever wants Rich later, or has it, gets it as usual.

Every module that logs takes `structlog` from here. Deliberately not here: how lines look (logs.py).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Those modules cannot be imported inside; afterwards all is as before."""
    before = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]  # None is allowed, typeshed does not say so
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(before)


with _without("rich"):
    import structlog

__all__ = ["structlog"]
