"""The process's log: where it goes and what a line looks like.

Here: lines in TensorFlow's own shape (``2026-11-03 15:36:27.104039: I reconciler/modelserver/serve.py:121] ...``), so
that whatever people grep the real server's log with finds its words. Set up by ``serve``; everything under
``reconciler.modelserver`` writes to it through ``logging``. Not here: what is said.
"""

import datetime
import logging
import os
from typing import TextIO

NAME = "reconciler.modelserver"


def open_voice() -> TextIO:
    """A stream to standard error that stays open while TensorFlow's chatter is turned away from descriptor 2."""
    return os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")


def start(voice: TextIO) -> None:
    """Send the log to ``voice``."""
    handler = logging.StreamHandler(voice)
    handler.setFormatter(_AsTensorFlow())
    root = logging.getLogger(NAME)
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    root.propagate = False


class _AsTensorFlow(logging.Formatter):
    """tsl/platform/default/logging.cc: local time to the microsecond, the first letter of the level, file and line."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.datetime.fromtimestamp(record.created).astimezone()
        file = record.pathname[record.pathname.rfind("reconciler/") :]
        text = f"{moment:%Y-%m-%d %H:%M:%S.%f}: {record.levelname[0]} {file}:{record.lineno}] {record.getMessage()}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text
