"""Whatever way a file is written in: an edit does what it was asked, and nothing else."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from yaml_styles import Written, data, files

from reconciler import revise
from reconciler.parse.nodes import Data


def paths(value: Data, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path below a value."""
    pairs: list[tuple[str | int, Data]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    return [path for step, each in pairs for path in ((*above, step), *paths(each, (*above, step)))]


def collections(value: Data, kind: type) -> list[tuple[str | int, ...]]:
    """Paths of the mappings or lists in a value that hold something."""
    return [path for path in [(), *paths(value)] if isinstance(found := at(value, path), kind) and found]


def at(value: Data, path: tuple[str | int, ...]) -> Data:
    for step in path:
        value = value[step]  # type: ignore[index]
    return value


def comments(text: str) -> int:
    return len(re.findall(r"# (?:header|marked|the end|between)|# - above|# why|#\tb", text))


@settings(max_examples=40)
@given(files())
def test_the_strategy_knows_what_it_writes(written: Written) -> None:
    assert revise.values(written.text) == written.data


@settings(max_examples=40)
@given(files(), st.data())
def test_a_scalar_put_and_put_back_leaves_every_byte(written: Written, pick: st.DataObject) -> None:
    number = pick.draw(st.integers(0, len(written.data) - 1))
    known = [
        path
        for path in paths(written.data[number])
        if isinstance(at(written.data[number], path), int) and at(written.data[number], path) not in {True, False}
    ]
    if not known:
        return
    path = pick.draw(st.sampled_from(known))
    changed = revise.put(written.text, number, path, 4711)
    assert changed.replace("4711", str(at(written.data[number], path))) == written.text


@settings(max_examples=40)
@given(files(), data(2), st.data())
def test_anything_can_be_put_anywhere_and_comments_outside_stay(
    written: Written, value: Data, pick: st.DataObject
) -> None:
    number = pick.draw(st.integers(0, len(written.data) - 1))
    path = pick.draw(st.sampled_from(paths(written.data[number])))
    changed = revise.put(written.text, number, path, value)
    if not isinstance(at(written.data[number], path), dict | list):
        assert comments(changed) == comments(written.text)
    assert at(revise.values(changed)[number], path) == value


@settings(max_examples=40)
@given(files(newlines=False), data(2), st.data())
def test_a_key_added_and_removed_leaves_every_byte(written: Written, value: Data, pick: st.DataObject) -> None:
    number = pick.draw(st.integers(0, len(written.data) - 1))
    path = pick.draw(st.sampled_from(collections(written.data[number], dict)))
    added = revise.put(written.text, number, (*path, "added"), value)
    assert revise.drop(added, number, (*path, "added")) == written.text


@settings(max_examples=40)
@given(files(newlines=False), data(2), st.data())
def test_an_item_inserted_and_removed_leaves_every_byte(written: Written, value: Data, pick: st.DataObject) -> None:
    number = pick.draw(st.integers(0, len(written.data) - 1))
    known = collections(written.data[number], list)
    if not known:
        return
    path = pick.draw(st.sampled_from(known))
    count = len(at(written.data[number], path))  # type: ignore[arg-type]
    index = pick.draw(st.integers(0, count))
    added = revise.insert(written.text, number, (*path, index), value)
    assert revise.drop(added, number, (*path, index)) == written.text


@settings(max_examples=40)
@given(files(), st.data())
def test_anything_can_be_removed_but_the_whole(written: Written, pick: st.DataObject) -> None:
    number = pick.draw(st.integers(0, len(written.data) - 1))
    document = written.data[number]
    known = [path for path in paths(document) if len(path) > 1 or len(document) > 1]  # type: ignore[arg-type]
    if not known:
        return
    path = pick.draw(st.sampled_from(known))
    changed = revise.drop(written.text, number, path)
    assert len(paths(revise.values(changed)[number])) < len(paths(document))


@settings(max_examples=40)
@given(files())
def test_a_document_replaced_by_itself_leaves_every_byte(written: Written) -> None:
    for number in range(len(written.data)):
        chunk = revise.cut(written.text, number)
        assert revise.replace_document(written.text, number, chunk) == written.text


@settings(max_examples=40)
@given(files(), files(), st.data())
def test_a_document_put_in_place_of_another_and_back_leaves_the_others(
    written: Written, other: Written, pick: st.DataObject
) -> None:
    number = pick.draw(st.integers(0, len(written.data) - 1))
    foreign = pick.draw(st.integers(0, len(other.data) - 1))
    changed = revise.replace_document(written.text, number, revise.cut(other.text, foreign))
    for each in range(len(written.data)):
        if each != number:
            assert revise.cut(changed, each) == revise.cut(written.text, each)


@settings(max_examples=40)
@given(files(newlines=False), files())
def test_a_document_appended_and_removed_leaves_every_byte(written: Written, other: Written) -> None:
    added = revise.append_document(written.text, revise.cut(other.text))
    assert revise.remove_document(added, len(written.data)) == written.text


@settings(max_examples=40)
@given(files(), st.data())
def test_a_removed_document_leaves_the_text_of_the_others(written: Written, pick: st.DataObject) -> None:
    number = pick.draw(st.integers(0, len(written.data) - 1))
    left = revise.remove_document(written.text, number)
    kept = [revise.cut(written.text, each) for each in range(len(written.data)) if each != number]
    for each, chunk in enumerate(kept):  # a comment behind a `...` may now follow the document before
        assert revise.cut(left, each).body.startswith(chunk.body)
