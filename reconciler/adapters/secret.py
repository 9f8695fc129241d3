"""Where a secret is looked up: an environment variable or a file, at the moment it is needed.

Read late and never kept, so that a rotated token works without a restart, and so that no value of ours that could be
printed, logged or stored ever holds one.
"""

import os
from pathlib import Path

from reconciler.state.desired import SecretRef


class SecretMissing(LookupError):
    """A secret is not where it was said to be; the message names the place, never a content."""


def read_secret(where: SecretRef) -> str:
    """The secret, without the newline that editors put at the end of a file.

    Raises:
        SecretMissing: the variable is not set, the file cannot be read, or either is empty.
    """
    if where.from_env is not None:
        found, place = os.environ.get(where.from_env, ""), f"The environment variable {where.from_env}"
    else:
        path = Path(where.from_file or "")
        found, place = _content(path), f"The file {path}"
    if not found.strip():
        raise SecretMissing(f"{place} holds no secret: it is empty or not set for this process")
    return found.strip("\r\n")


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretMissing(f"The file {path} cannot be read as a secret: {error}") from None
