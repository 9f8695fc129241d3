from hypothesis import given
from hypothesis import strategies as st

from reconciler.expose.fitting import Part, fitted, weight

ROWS = st.lists(st.text("aé👩", min_size=1, max_size=200).map(lambda text: f"{text}\n"), max_size=40)
PARTS = st.lists(
    st.builds(
        lambda rows, most: Part("\n**Head**\n", tuple((row * 3, row) for row in rows), "row", most),
        ROWS,
        st.integers(200, 4000),
    ),
    max_size=6,
)


def part(*rows: str, most: int = 1000) -> Part:
    return Part("HEAD\n", tuple((each,) for each in rows), "row", most)


@given(PARTS, st.integers(0, 5000))
def test_whatever_is_to_be_said_it_stays_within_the_room(parts: list[Part], room: int) -> None:
    text, _ = fitted(parts, room)
    assert weight(text) <= room


@given(PARTS, st.integers(0, 5000))
def test_it_is_said_whether_anything_was_cut(parts: list[Part], room: int) -> None:
    text, cut = fitted(parts, room)
    whole = "".join(part.head + "".join(row[0] for row in part.rows) for part in parts if part.rows)
    assert cut == (text != whole)


def test_everything_that_fits_is_there() -> None:
    assert fitted([part("one\n", "two\n")], 100) == ("HEAD\none\ntwo\n", False)


def test_what_does_not_fit_is_counted() -> None:
    text, cut = fitted([part(*("x" * 99 + "\n" for _ in range(20)), most=500)], 10_000)
    assert cut
    assert text.count("x" * 99) == 3
    assert "17 rows more not shown" in text


def test_a_section_leaves_what_it_does_not_use_to_the_next() -> None:
    text, _ = fitted([part("a\n", most=500), part(*("y" * 99 + "\n" for _ in range(20)), most=5000)], 2500)
    assert text.count("y" * 99) == 20


def test_one_large_section_does_not_push_out_the_next() -> None:
    text, _ = fitted([part(*("x" * 99 + "\n" for _ in range(99)), most=500), part("verdict\n")], 1000)
    assert "verdict" in text


def test_rows_are_shortened_from_the_bottom() -> None:
    rows = tuple((f"long {number} {'z' * 200}\n", f"short {number}\n") for number in range(4))
    text, cut = fitted([Part("", rows, "row", 10_000)], 600)
    assert [line.split(" z")[0] for line in text.splitlines()] == ["long 0", "long 1", "short 2", "short 3"]
    assert cut
