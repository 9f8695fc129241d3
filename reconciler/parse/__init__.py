"""Text → `Desired`, or problems: every file of a commit, strictly read. No I/O, no clock.

    bytes ── reading, nodes, scalars ──► nodes with positions ── shape, wording ──► well-shaped documents
          ── normal ──► values ── within ──► rules of one document ── checks ──► with the files that checks name
          ── across ──► servers with their models

`files.parse` is the whole of it; `files.parse_file` the part that may run in other processes. Every problem names file,
line, column, rule, what is wrong and what to do; all are reported. One bad file holds back the whole commit, on
purpose: the commit in force stays in force. `importing` goes the other way, from a model_config.pbtxt to documents.
"""

from reconciler.parse.checks import MAX_CHECK_BYTES
from reconciler.parse.files import (
    MAX_TOTAL_BYTES,
    Cache,
    FileResult,
    Parsed,
    SourceFile,
    beside,
    concerns,
    parse,
    parse_file,
)
from reconciler.parse.problems import Finding, Problem
from reconciler.parse.reading import MAX_BYTES

__all__ = [
    "MAX_BYTES",
    "MAX_CHECK_BYTES",
    "MAX_TOTAL_BYTES",
    "Cache",
    "FileResult",
    "Finding",
    "Parsed",
    "Problem",
    "SourceFile",
    "beside",
    "concerns",
    "parse",
    "parse_file",
]
