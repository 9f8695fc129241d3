"""Bytes → the YAML documents in them, or the reason why they cannot be read.

Called by `files.py`. Here are the limits on bytes and encoding, and libyaml's complaints in words with positions.
Deliberately not here: building nodes (`nodes.py`) and what documents mean.
"""

import re
from collections.abc import Iterator

import yaml

from reconciler.parse.nodes import Builder, Node, Unreadable, unreadable
from reconciler.parse.problems import Finding

MAX_BYTES = 1 << 20  # of one file: a Model takes about 700 bytes, so a thousand of them fit

_LINE_BREAKS_OF_YAML_1_1 = re.compile("[\x85\u2028\u2029]")
_DIRECTIVE = re.compile(rb"^%(?!YAML 1\.[12][ \t]*(#.*)?\r?$)", re.MULTILINE)


def check_bytes(data: bytes) -> str:
    """The text of a file that is small enough and UTF-8.

    Raises:
        Unreadable: it is not.
    """
    if len(data) > MAX_BYTES:
        raise unreadable((1, 1), "file-too-large", f"the file has more than {MAX_BYTES} bytes", "split it")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line, column = _position(data, error.start)
        what = f"byte {data[error.start]:#04x} is not UTF-8"
        raise unreadable((line, column), "not-utf8", what, "save the file as UTF-8") from error
    if found := _LINE_BREAKS_OF_YAML_1_1.search(text):
        line, column = _position(data, len(text[: found.start()].encode()))
        what = f"the character U+{ord(found[0]):04X} breaks lines for some readers of YAML and not for others"
        raise unreadable((line, column), "line-break", what, "remove it")
    if directive := _DIRECTIVE.search(data):
        line, column = _position(data, directive.start())
        raise unreadable((line, column), "directive", "directives (`%…`) have no use here", "remove the line")
    return text


def documents(text: str, findings: list[Finding]) -> Iterator[Node]:
    """The documents of a text, one by one; what is wrong inside them is added to `findings`.

    Raises:
        Unreadable: the text is not YAML from some point on, or exceeds a limit. The documents before were given.
    """
    builder = Builder(findings)
    parser = yaml.CBaseLoader(text)
    try:
        while (event := parser.get_event()) is not None:
            if (document := builder.take(event)) is not None:
                yield document
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, text) from error
    except yaml.reader.ReaderError as error:
        line, column = _position(text.encode(), max(error.position, 0))
        what = f"the character U+{_character(text, line, column):04X} is not allowed in YAML"
        raise unreadable((line, column), "not-yaml", what, "remove it") from error
    finally:
        parser.dispose()


def _syntax(error: yaml.MarkedYAMLError, text: str) -> Unreadable:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    what = ", ".join(part for part in (error.context, error.problem) if part)
    tab = _character(text, line, column) == ord("\t")
    to_do = "indent with spaces, not with tabs" if tab else "correct the YAML here or just above"
    return unreadable((line, column), "not-yaml", f"this is not YAML: {what}", to_do)


def _position(data: bytes, offset: int) -> tuple[int, int]:
    before = data[:offset]
    start = before.rfind(b"\n") + 1
    return before.count(b"\n") + 1, len(before[start:].decode(errors="replace")) + 1


def _character(text: str, line: int, column: int) -> int:
    written = text.split("\n")[line - 1 : line]
    return ord(written[0][column - 1]) if written and column <= len(written[0]) else 0
