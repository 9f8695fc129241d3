"""The files that checks name: found in the same commit, judged once per content, and put into the checks.

Called by `files.py` once per commit, for the Models that have checks. What is wrong with a file is a problem of the
line of the Model that names it. Paths are from the watched path, so that a check never depends on where a document
lies.
Deliberately not here: reading files; what a request means for a version (only its signature can tell).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from reconciler.parse.documents import At, CheckEntry, ModelDocument
from reconciler.parse.problems import Finding, shown
from reconciler.state.check import Check
from reconciler.wire import predictjson

MAX_CHECK_BYTES = 1 << 20
"""Of one file: a picture of 224 × 224 points in three colours, written out in numbers, fits."""

Found = Mapping[str, tuple[str, bytes]]
"""Blob and content of files by path, from the watched path."""


KEPT = 4096
"""Contents held; beyond this only those of the latest commit stay."""


class Shelf:
    """Contents of files that checks name, judged; kept by blob so that a commit costs what it changed."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._judged: dict[tuple[str, str], str] = {}
        self._checks: dict[tuple[Check, str, str], Check] = {}

    def __contains__(self, blob: object) -> bool:
        return blob in self._texts

    def forget_others(self, used: set[str]) -> None:
        """Drop what none of these blobs holds, once too much is held."""
        if len(self._texts) + len(self._checks) <= KEPT:
            return
        self._texts = {blob: text for blob, text in self._texts.items() if blob in used}
        self._judged = {key: said for key, said in self._judged.items() if key[0] in used}
        self._checks = {}

    def filled(self, said: ModelDocument, files: Found, findings: list[Finding]) -> tuple[Check, ...]:
        """The checks of a Model with the contents of their files; what is wrong with these is added to `findings`."""
        return tuple(self._filled(entry, files, findings) for entry in said.checks)

    def _filled(self, entry: CheckEntry, files: Found, findings: list[Finding]) -> Check:
        request = self._content((entry.request, entry.request_at), files, findings, predictjson.request)
        expect = ""
        if entry.expect is not None:
            expect = self._content((entry.expect, entry.expect_at), files, findings, predictjson.expectation)
        key = (entry.check, request, expect)
        if key not in self._checks:  # made once, because its digest is worked out then
            self._checks[key] = replace(entry.check, request=request, expect=expect)
        return self._checks[key]

    def _content(
        self, named: tuple[str, At], files: Found, findings: list[Finding], read: Callable[[str], object]
    ) -> str:
        path, at = named
        if path not in files:
            what = f"there is no file {shown(path)} in this commit"
            to_do = "add it; the path is from the watched path, and symbolic links are not followed"
            findings.append(Finding(*at, "check-file-missing", what, to_do))
            return ""
        blob, data = files[path]
        if (problem := self._problem(blob, data, read)) is not None:
            rule, what, to_do = problem
            findings.append(Finding(*at, rule, f"the file {shown(path)} cannot be used: {what}", to_do))
        return self._texts.get(blob, "")

    def _problem(self, blob: str, data: bytes, read: Callable[[str], object]) -> tuple[str, str, str] | None:
        if blob not in self._texts:
            if len(data) > MAX_CHECK_BYTES:
                return "check-file-too-large", f"it has more than {MAX_CHECK_BYTES} bytes", "ask for less in one check"
            try:
                self._texts[blob] = data.decode()
            except UnicodeDecodeError:
                return "check-file", "it is not UTF-8", "save it as UTF-8"
        key = (blob, read.__name__)
        if key not in self._judged:
            self._judged[key] = _said(self._texts[blob], read)
        to_do = "write it as TensorFlow Serving's REST API takes and gives it"
        return ("check-file", self._judged[key], to_do) if self._judged[key] else None


def _said(text: str, read: Callable[[str], object]) -> str:
    try:
        read(text)
    except predictjson.NotPredictJson as problem:
        return str(problem)
    return ""


def named(said: ModelDocument) -> Iterator[str]:
    """The files that a Model's checks name."""
    for entry in said.checks:
        yield entry.request
        if entry.expect is not None:
            yield entry.expect
