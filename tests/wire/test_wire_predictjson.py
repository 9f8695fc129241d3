"""TensorFlow Serving's JSON of `:predict`, read strictly; what is wrong with it is said in half a sentence."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.state.export import Signature, TensorSpec
from reconciler.state.inference import Tensor
from reconciler.wire import predictjson
from reconciler.wire.predictjson import MAX_ELEMENTS, Body, NotPredictJson, Plain


def signature(*specs: tuple[str, str], optional: tuple[str, ...] = ()) -> Signature:
    inputs = tuple(TensorSpec(alias, dtype, None) for alias, dtype in sorted(specs))
    return Signature("serving_default", "predict", inputs, optional=optional)


ONE, TWO = signature(("x", "float")), signature(("user", "string"), ("item", "int64"))


def asked(document: Any, of: Signature = ONE) -> dict[str, Tensor]:
    return dict(predictjson.inputs(predictjson.request(json.dumps(document)), of))


def wrong(document: Any, of: Signature = ONE) -> str:
    with pytest.raises(NotPredictJson) as problem:
        asked(document, of)
    return str(problem.value)


@pytest.mark.parametrize(
    ("document", "shape", "values"),
    [
        ({"instances": [1.0, 2, 3]}, (3,), (1.0, 2.0, 3.0)),
        ({"instances": [[1.0], [2.0]]}, (2, 1), (1.0, 2.0)),
        ({"instances": [{"x": [1, 2]}, {"x": [3, 4]}]}, (2, 2), (1.0, 2.0, 3.0, 4.0)),
        ({"inputs": [[1, 2, 3]]}, (1, 3), (1.0, 2.0, 3.0)),
        ({"inputs": {"x": 7}}, (), (7.0,)),
        ({"inputs": {"x": []}}, (0,), ()),
        ({"signature_name": "serving_default", "inputs": 5}, (), (5.0,)),
    ],
)
def test_rows_and_columns_become_one_tensor(document: Any, shape: tuple[int, ...], values: tuple[float, ...]) -> None:
    assert asked(document) == {"x": Tensor("float", shape, values)}


def test_rows_of_several_inputs_become_a_tensor_each() -> None:
    rows = [{"user": "ann", "item": 7}, {"user": {"b64": "Ym9i"}, "item": 8}]
    assert asked({"instances": rows}, TWO) == {
        "user": Tensor("string", (2,), (b"ann", b"bob")),
        "item": Tensor("int64", (2,), (7, 8)),
    }


def test_an_optional_input_may_be_left_out() -> None:
    of = signature(("x", "float"), ("mode", "bool"), optional=("mode",))
    assert set(asked({"inputs": {"x": 1}}, of)) == {"x"}


@pytest.mark.parametrize(
    ("document", "of", "words"),
    [
        ([1], ONE, "no object"),
        ({}, ONE, "exactly one of `instances`"),
        ({"instances": [1], "inputs": [1]}, ONE, "exactly one"),
        ({"instances": []}, ONE, "at least one row"),
        ({"instances": {"x": 1}}, ONE, "no list"),
        ({"instances": [1], "signature": "a"}, ONE, "'signature' that means nothing"),
        ({"instances": [1], "signature_name": 3}, ONE, "not a text"),
        ({"instances": [[1, 2], [3]]}, ONE, "[1] has 1 items where its neighbours have 2"),
        ({"instances": [[1], 3]}, ONE, "[1] has no list"),
        ({"instances": [1, [3]]}, ONE, "[1] is a list where its neighbours are none"),
        ({"instances": [None]}, ONE, "neither a number"),
        ({"instances": [{"x": 1}, {"y": 1}]}, ONE, "row 1 of `instances` does not name what row 0 names"),
        ({"instances": [{"x": 1}, 2]}, ONE, "row 1"),
        ({"inputs": {"z": 1}}, ONE, "no input z; it has x"),
        ({"inputs": {"user": ["a"]}}, TWO, "lacks input item"),
        ({"inputs": ["a"]}, TWO, "names no inputs, and signature serving_default has 2: item, user"),
        ({"inputs": ["a"]}, ONE, "value 0 of input x is 'a', and the version takes float"),
        ({"inputs": [True]}, ONE, "is true, and the version takes float"),
        ({"inputs": [1e39]}, ONE, "takes float"),
        ({"inputs": [1.0]}, signature(("x", "int32")), "takes int32"),
        ({"inputs": [2**31]}, signature(("x", "int32")), "takes int32"),
        ({"inputs": [-1]}, signature(("x", "uint8")), "takes uint8"),
        ({"inputs": [1]}, signature(("x", "bool")), "takes bool"),
        ({"inputs": [1]}, signature(("x", "string")), "takes string"),
        ({"inputs": [{"b64": "%"}]}, signature(("x", "string")), "takes string"),
        ({"inputs": [1]}, signature(("x", "complex64")), "complex64, which JSON cannot say"),
        ({"inputs": [1]}, signature(("x", "sparse float")), "sparse float, which JSON cannot say"),
    ],
)
def test_a_request_that_cannot_be_asked_says_why(document: Any, of: Signature, words: str) -> None:
    assert words in wrong(document, of)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON in line 1, column 1"),
        ('{"instances": [1,\n2,]}', "no JSON in line 2, column 3"),
        ('{"inputs": 1, "inputs": 2}', "the key 'inputs' is there twice"),
        ('{"inputs": 1e999}', "beyond what 64 bits hold"),
        ('{"inputs": ' + "1" * 5000 + "}", "beyond what 64 bits hold"),
        ('{"inputs": ' + "[" * 100_000 + "}", "nested too deep"),
        ('{"inputs": [' + "0," * MAX_ELEMENTS + "0]}", "more than 262,144 values"),
        ('{"inputs": "\\ud800"}', "takes float"),
    ],
)
def test_a_text_that_is_no_request_says_why(text: str, words: str) -> None:
    with pytest.raises(NotPredictJson, match=words):
        predictjson.inputs(predictjson.request(text), ONE)


def test_an_answer_may_hold_infinity_and_never_nan() -> None:
    body = predictjson.expectation('{"predictions": [[Infinity]]}')
    assert predictjson.columns(body) == (("", Plain((1, 1), (float("inf"),))),)
    with pytest.raises(NotPredictJson, match="NaN"):
        predictjson.expectation('{"outputs": {"y": [1, NaN]}}')


def test_an_answer_has_no_signature() -> None:
    with pytest.raises(NotPredictJson, match="signature_name"):
        predictjson.expectation('{"predictions": [1], "signature_name": "a"}')


def test_a_signature_that_the_version_lacks_is_named_with_those_it_has() -> None:
    with pytest.raises(NotPredictJson, match="no signature classify; it has serving_default"):
        predictjson.chosen(predictjson.request('{"inputs": 1, "signature_name": "classify"}'), (ONE,))


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner), max_leaves=8
    )


def said(text: str, read: Callable[[str], Body], of: Signature) -> str:
    """Why a text is refused, "" where it is read."""
    try:
        predictjson.inputs(read(text), of)
    except NotPredictJson as problem:
        return str(problem) or "nothing"
    return ""


@given(
    nested(st.none() | st.booleans() | st.integers() | st.floats() | st.text()),
    st.sampled_from(("", "instances", "inputs", "predictions", "outputs")),
    st.sampled_from((predictjson.request, predictjson.expectation)),
)
def test_any_json_at_all_is_read_or_refused(value: Any, key: str, read: Callable[[str], Body]) -> None:
    assert said(json.dumps({key: value} if key else value), read, TWO) != "nothing"


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_at_all_are_read_or_refused_in_few_words(data: bytes) -> None:
    assert len(said(data.decode(errors="surrogateescape"), predictjson.request, ONE)) < 1000
