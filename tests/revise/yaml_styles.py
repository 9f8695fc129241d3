"""YAML written in many ways: hypothesis strategies for texts whose data is known."""

from dataclasses import dataclass

from hypothesis import strategies as st

from reconciler.parse.nodes import Data

_WORDS = st.sampled_from(
    ["stable", "canary", "a", "b-c", "x.y", "grün", "模型", "🚀", "on", "41", "true", "q:r", "é#1"]
)
_SCALARS: st.SearchStrategy[Data] = st.one_of(
    _WORDS, st.integers(-3, 99), st.booleans(), st.none(), st.sampled_from([0.5, "", " ", "it's", '"'])
)
_COMMENTS = st.sampled_from(["", "", "", "  # why: é🚀", " #\tb: {c", "   "])
_ABOVE = st.sampled_from(["", "", "", "\n", "# - above: 1\n", "\n  # x\n"])


@dataclass(frozen=True, slots=True)
class Written:
    """Text of a file, and what its documents say."""

    text: str
    data: list[Data]


def data(depth: int = 3) -> st.SearchStrategy[Data]:
    """Any value, nested at most that deep."""
    return _SCALARS if depth == 0 else st.one_of(_SCALARS, trees(depth - 1))


def trees(depth: int = 3) -> st.SearchStrategy[Data]:
    """A mapping or a list."""
    below = data(depth)
    return st.one_of(st.dictionaries(_WORDS, below, max_size=4), st.lists(below, max_size=4))


def mappings() -> st.SearchStrategy[Data]:
    """A mapping with something in it."""
    return st.dictionaries(_WORDS, data(2), min_size=1, max_size=4)


@st.composite
def files(draw: st.DrawFn, newlines: bool = True) -> Written:
    """One to three documents of mappings, in any style."""
    documents = draw(st.lists(mappings(), min_size=1, max_size=3))
    text = ""
    for number, each in enumerate(documents):
        marked = number > 0 or draw(st.booleans())
        if marked:
            text += draw(st.sampled_from(["", "# header\n"])) if not number else draw(_closing)
            text += "---" + draw(st.sampled_from(["\n", "  \n", " # marked\n"]))
        text += draw(_ABOVE).replace("  #", "#") + _block(draw, each, 0)
    if draw(st.booleans()):
        text += "# the end\n"
    if newlines and draw(st.booleans()):
        text = text.rstrip("\n")
    text = text.replace("\n", draw(st.sampled_from(["\n", "\n", "\r\n"])))
    return Written(("\ufeff" if draw(st.booleans()) else "") + text, list(documents))


_closing = st.sampled_from(["", "", "...\n", "# between\n", "... # closed\n# between\n"])


def _block(draw: st.DrawFn, value: Data, column: int) -> str:
    """A collection as lines at a column."""
    lines = []
    pad = " " * column
    entries = list(value.items()) if isinstance(value, dict) else [(None, each) for each in value]  # type: ignore[union-attr]
    for key, each in entries:
        above = draw(_ABOVE).replace("  #", pad + "#")
        lead = f"{pad}{_quoted(draw, key)}:" if key is not None else f"{pad}-"
        lines.append(above + lead + _below(draw, each, column, listed=key is None))
    return "".join(lines)


def _below(draw: st.DrawFn, value: Data, column: int, *, listed: bool) -> str:
    """What follows `key:` or `-`, with the end of the line."""
    comment = draw(_COMMENTS)
    block = isinstance(value, dict | list) and value and draw(st.booleans())
    if not block:
        written = _flow(draw, value, column + 1)
        return (f" {written}" if written else "") + comment + "\n"
    step = draw(st.integers(1, 4))
    if not listed and isinstance(value, list) and draw(st.booleans()):
        step = 0
    inside = _block(draw, value, column + step)
    if listed and not inside.startswith(("#", "\n", " " * (column + step) + "#")) and step > 1 and draw(st.booleans()):
        return " " * (step - 1) + inside[column + step :]
    return comment + "\n" + inside


def _flow(draw: st.DrawFn, value: Data, column: int) -> str:
    if not isinstance(value, dict | list):
        return _scalar(draw, value)
    space = draw(st.sampled_from(["", " ", f"\n{' ' * column}", f"  # {{c, d]\n{' ' * column}"]))
    gap = draw(st.sampled_from([" ", f"\n{' ' * column}"]))
    if isinstance(value, dict):
        parts = [f"{_quoted(draw, key)}: {_flow(draw, each, column) or 'null'}" for key, each in value.items()]
        return "{" + space + f",{gap}".join(parts) + (space if "#" not in space else gap) + "}"
    parts = [_flow(draw, each, column) or "null" for each in value]
    return "[" + space + f"{space},{gap}".join(parts) + (space if "#" not in space else gap) + "]"


def _scalar(draw: st.DrawFn, value: Data) -> str:
    if isinstance(value, str):
        return _quoted(draw, value)
    if value is None:
        return draw(st.sampled_from(["", "~", "null"]))
    return str(value).lower()


def _quoted(draw: st.DrawFn, text: str) -> str:
    plain = text in {"stable", "canary", "a", "b-c", "x.y", "grün", "模型", "🚀", "on", "q:r", "é#1"}
    style = (
        draw(st.sampled_from(["plain", "single", "double"])) if plain else draw(st.sampled_from(["single", "double"]))
    )
    if style == "plain":
        return text
    return "'" + text.replace("'", "''") + "'" if style == "single" else '"' + text.replace('"', '\\"') + '"'
