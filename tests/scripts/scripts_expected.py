"""What the timelines of scripts say, as files.

REWRITE_GOLDEN=1 writes them anew; read the difference before committing it.
"""

import os
from pathlib import Path

EXPECTED = Path(__file__).parent / "expected"


def same_as_expected(name: str, shown: str) -> bool:
    """Compare with the reviewed file."""
    path = EXPECTED / name
    if os.environ.get("REWRITE_GOLDEN"):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")
    return True
