"""Request bodies as messages: rows, columns, base64, examples, and what is said of those that do not fit."""

import json
from typing import Any

import pytest

from reconciler.modelserver import jsonreader, jsonvalues, restexamples, restjson, tensors
from reconciler.modelserver.statuses import Code, StatusError
from reconciler.wire.stubs import meta_graph_pb2, types_pb2

FLOAT, DOUBLE, STRING, INT32, INT64, UINT32, UINT64, BOOL = (
    getattr(types_pb2, f"DT_{name}")
    for name in ("FLOAT", "DOUBLE", "STRING", "INT32", "INT64", "UINT32", "UINT64", "BOOL")
)


def encoded(document: Any) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def request(document: Any, **dtypes: int) -> Any:
    inputs = {alias: meta_graph_pb2.TensorInfo(dtype=dtype) for alias, dtype in dtypes.items()}
    return restjson.request(restjson.parse(encoded(document)), inputs)


def refusal(document: Any, **dtypes: int) -> str:
    with pytest.raises(StatusError) as refused:
        request(document, **dtypes)
    assert refused.value.status.code == Code.INVALID_ARGUMENT
    return refused.value.status.message


@pytest.mark.parametrize(
    ("document", "dtypes", "expected"),
    [
        ({"instances": [1.5, 2]}, {"x": FLOAT}, {"x": [1.5, 2.0]}),
        ({"instances": [[1, 2], [3, 4]]}, {"x": INT32}, {"x": [[1, 2], [3, 4]]}),
        ({"instances": [[], []]}, {"x": INT32}, {"x": [[], []]}),
        ({"instances": [{"x": [1]}, {"x": [2]}]}, {"x": INT64}, {"x": [[1], [2]]}),
        ({"instances": [{"b64": "YQ=="}]}, {"x": STRING}, {"x": [b"a"]}),
        ({"instances": [{"b64": "YQ=="}, "b"]}, {"x": STRING}, {"x": [b"a", b"b"]}),
        ({"instances": [[[{"b64": "YQ"}]]]}, {"x": STRING}, {"x": [[[b"a"]]]}),
        ({"instances": [{"x": 1.0, "s": "a"}]}, {"x": FLOAT, "s": STRING}, {"x": [1.0], "s": [b"a"]}),
        ({"instances": [{"b64": "YQ=="}]}, {"s": STRING, "t": STRING}, {"s": [b"a"]}),
        ({"instances": [{"b64": {"b64": "YQ=="}}]}, {"b64": STRING}, {"b64": [b"a"]}),
        ({"inputs": 3.0}, {"x": FLOAT}, {"x": 3.0}),
        ({"inputs": {"b64": "YQ=="}}, {"x": STRING}, {"x": b"a"}),
        ({"inputs": {"x": 1, "more": 2}}, {"x": FLOAT}, {"x": 1.0}),
        ({"inputs": {"x": [[]], "s": []}}, {"x": FLOAT, "s": STRING}, {"x": [[]], "s": []}),
        (b'{"instances": [{"x\\u0000y": 1}]}', {"x": FLOAT}, {"x": [1.0]}),
        (b'{"inputs": 1, "inputs": "twice"}', {"x": FLOAT}, {"x": 1.0}),
        (b'{"instances": [{"x": 1, "x": 2}, {"x": 3}]}', {"x": FLOAT}, {"x": [1.0, 2.0]}),
        (b'{"inputs": [1.0000000596046448]}', {"x": DOUBLE}, {"x": [1.0000000596046448]}),
    ],
)
def test_a_body_fills_the_tensors_of_a_signature(
    document: Any, dtypes: dict[str, int], expected: dict[str, Any]
) -> None:
    filled = request(document, **dtypes)
    assert {alias: tensors.to_array(proto).tolist() for alias, proto in filled.inputs.items()} == expected


@pytest.mark.parametrize(
    ("document", "dtypes", "text"),
    [
        (
            {"instances": 1},
            {"x": FLOAT},
            "JSON Value: {\n    \"instances\": 1\n} Excepting 'instances' to be an list/array",
        ),
        ({"instances": []}, {"x": FLOAT}, "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array"),
        (
            {"inputs": 1, "instances": 1},
            {"x": FLOAT},
            'JSON Value: {\n    "inputs": 1,\n    "instances": 1\n} Not formatted correctly expecting only one of '
            "'inputs' or 'instances' keys to exist ",
        ),
        (
            {"instances": [[1], [1, 2]]},
            {"x": FLOAT},
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 1 but "
            "got: 2",
        ),
        (
            {"instances": [[[1, 2]], [[1], [2]]]},
            {"x": FLOAT},
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [1,2] but got: "
            "[2,1]",
        ),
        (
            {"instances": [1, [1]]},
            {"x": FLOAT},
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [] but got: "
            "[1]",
        ),
        ({"instances": [{"x": 1}, 2]}, {"x": FLOAT}, "Expecting object but got list at item 1 of input list"),
        ({"instances": [1, {"x": 1}]}, {"x": FLOAT}, "Expecting value/list but got object at item 1 of input list"),
        (
            {"instances": [{"x": 1}, {"x": "a"}]},
            {"x": FLOAT},
            "Failed to process element: 1 key: x of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: \"a\" Type: "
            "String is not of expected type: float",
        ),
        (
            {"instances": [{"z": 1}]},
            {"x": FLOAT},
            "Failed to process element: 0 key: z of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not "
            "have named input: z",
        ),
        (
            {"instances": [{"x": 1}]},
            {"y": FLOAT, "x": FLOAT},
            "Failed to process element: 0 of 'instances' list. JSON object: {\n    \"x\": 1\n} keys "
            "must be equal to: x,y",
        ),
        (
            {"instances": [1]},
            {"x": FLOAT, "y": FLOAT},
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map",
        ),
        (
            {"inputs": [1]},
            {"x": FLOAT, "y": FLOAT},
            "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
            "tensorinfo_map",
        ),
        ({"inputs": {"x": 1}}, {"x": FLOAT, "y": FLOAT}, "Missing named input: y in 'inputs' object."),
        (
            {"inputs": [[1], [2, 3]]},
            {"x": FLOAT},
            "Encountered list at unexpected size: 2 at level: 1 expected size: 1",
        ),
        ({"inputs": [1, [2]]}, {"x": FLOAT}, "Encountered list at unexpected level: 1 expected < 1"),
        (
            {"inputs": [[1], 2]},
            {"x": FLOAT},
            "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
        ),
        ({"inputs": [1.5]}, {"x": INT64}, "JSON Value: 1.5 Type: Number is not of expected type: int64"),
        ({"inputs": [1.0]}, {"x": INT32}, "JSON Value: 1.0 Type: Number is not of expected type: int32"),
        ({"inputs": [2**31]}, {"x": INT32}, "JSON Value: 2147483648 Type: Number is not of expected type: int32"),
        ({"inputs": [-1]}, {"x": UINT32}, "JSON Value: -1 Type: Number is not of expected type: uint32"),
        ({"inputs": [2**63]}, {"x": INT64}, f"JSON Value: {2**63} Type: Number is not of expected type: int64"),
        (
            {"inputs": [2**64]},
            {"x": UINT64},
            "JSON Value: 1.84467441e+19 Type: Number is not of expected type: uint64",
        ),
        ({"inputs": [1]}, {"x": BOOL}, "JSON Value: 1 Type: Number is not of expected type: bool"),
        ({"inputs": [True]}, {"x": FLOAT}, "JSON Value: true Type: True is not of expected type: float"),
        ({"inputs": [False]}, {"x": INT32}, "JSON Value: false Type: False is not of expected type: int32"),
        ({"inputs": [None]}, {"x": STRING}, "JSON Value: null Type: Null is not of expected type: string"),
        (
            {"inputs": {"x": {"b64": "YQ=="}}},
            {"x": FLOAT},
            'JSON Value: {\n    "b64": "YQ=="\n} Type: Object is not of expected type: float',
        ),
        ({"inputs": [2**24]}, {"x": FLOAT}, "Cannot convert JSON value: 16777216 to float without loss of precision."),
        (
            {"inputs": [-(2**53)]},
            {"x": DOUBLE},
            f"Cannot convert JSON value: -{2**53} to double without loss of precision.",
        ),
        ({"inputs": [1e39]}, {"x": FLOAT}, "Cannot convert JSON value: 1e+39 to float without loss of precision."),
        ({"inputs": [{"b64": "?"}]}, {"x": STRING}, "Unable to base64 decode"),
        (
            {"inputs": [{"b64": 1}]},
            {"x": STRING},
            'JSON Value: {\n    "b64": 1\n} not formatted correctly for base64 data',
        ),
        (
            {"inputs": {"x": {"y": [0.1, {"z": []}]}}},
            {"x": STRING},
            'JSON Value: {\n    "y": [\n        0.1,\n        {\n            "z": []\n        }\n    ]\n} not '
            "formatted correctly for base64 data",
        ),
    ],
)
def test_a_body_that_does_not_fit_is_refused(document: Any, dtypes: dict[str, int], text: str) -> None:
    assert refusal(document, **dtypes) == text


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("a", 'JSON Value: "a" Type: String is not of expected type: float'),
        ([1.0], "Expecting shape [] but got: [1]"),
    ],
)
def test_of_many_rows_the_one_that_does_not_fit_is_named(row: Any, why: str) -> None:
    rows = [0.5] * 2 * restjson._TOGETHER + [row] * restjson._TOGETHER
    where = f"Failed to process element: {2 * restjson._TOGETHER} of 'instances' list."
    assert refusal({"instances": rows}, x=FLOAT) == f"{where} Error: INVALID_ARGUMENT: {why}"


def test_many_rows_of_arrays_come_together_as_one_tensor() -> None:
    rows = [[number, 1.0] for number in range(2 * restjson._TOGETHER + 1)]
    filled = request({"instances": rows}, x=FLOAT).inputs["x"]
    assert tensors.to_array(filled).tolist() == rows


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"0.1", "0.1"),
        (b"0.123456789012", "0.123456791"),
        (b"1e39", "1e+39"),
        (b"1.23456789e39", "1.23456789e+39"),
        (b"NaN", "NaN"),
        (b"-Infinity", "-Infinity"),
        (b"[0.123456789012, 1e21, 1e-7]", "[\n    0.123456789012,\n    1e21,\n    1e-7\n]"),
        (b"[1, NaN, 2]", "[\n    1,\n    "),
        (b'{"a": [], "b": {}, "c": "\\u001f"}', '{\n    "a": [],\n    "b": {},\n    "c": "\\u001F"\n}'),
    ],
)
def test_a_value_is_quoted_as_rapidjson_prints_it(text: bytes, shown: str) -> None:
    assert jsonvalues.shown(jsonreader.read(text)) == shown


@pytest.mark.parametrize("body", [b'"' + b"x" * 2**25 + b'"', b"[" + b"[]," * 2**20 + b"1]"])
def test_of_a_huge_value_only_the_beginning_is_quoted(body: bytes) -> None:
    assert len(jsonvalues.shown(jsonreader.read(body))) < 2**25


def test_deep_nesting_is_quoted_and_refused_without_recursion() -> None:
    deep = b"[" * 1000 + b"]" * 1000
    assert jsonvalues.shown(jsonreader.read(deep)).count("[") == 1000
    assert refusal(b'{"inputs": [' + b"[" * 900 + b"1" + b"]" * 900 + b", 1]}", x=FLOAT).endswith(
        "found at incorrect level: 2 in the JSON DOM. Expected at level: 901"
    )


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("YWI=", b"ab"),
        ("YWI", b"ab"),
        ("YWI.", b"ab"),
        ("Y Q\n= =", b"a"),
        ("YR==", b"a"),
        ("", b""),
        ("YQ=", None),
        ("YQ===", None),
        ("YWI==", None),
        ("Y", None),
        ("YQ==YQ==", None),
        ("Y-_Q", None),
        ("Y\u00a0Q", None),
    ],
)
def test_base64_is_taken_as_absl_takes_it(text: str, content: bytes | None) -> None:
    assert jsonvalues.unescape(text) == content


# -- examples ---------------------------------------------------------------------------------------------------------

MIXED = {"names": ["foo", {"b64": "YmFy"}], "ratings": [8.0, 9.5], "age": 20, "flags": [True, 2, False], "none": []}


def test_examples_become_features_by_the_type_of_their_values() -> None:
    made = restexamples.classification_request(encoded({"signature_name": "s", "examples": [MIXED, {}]}))
    features = made.input.example_list.examples[0].features.feature
    assert made.model_spec.signature_name == "s"
    assert list(features["names"].bytes_list.value) == [b"foo", b"bar"]
    assert list(features["ratings"].float_list.value) == [8.0, 9.5]
    assert list(features["age"].int64_list.value) == [20]
    assert list(features["flags"].int64_list.value) == [1, 2, 0]
    assert features["none"].WhichOneof("kind") is None
    assert not made.input.example_list.examples[1].HasField("features")


def test_a_context_stands_beside_the_examples() -> None:
    made = restexamples.regression_request(encoded({"context": {"q": "pizza"}, "examples": [{"x": 1.0}]}))
    assert made.input.WhichOneof("kind") == "example_list_with_context"
    with_context = made.input.example_list_with_context
    assert list(with_context.context.features.feature["q"].bytes_list.value) == [b"pizza"]
    assert len(with_context.examples) == 1


def test_the_last_of_two_features_of_one_name_counts() -> None:
    made = restexamples.regression_request(b'{"examples": [{"x": 1, "x": 2.5}]}')
    assert list(made.input.example_list.examples[0].features.feature["x"].float_list.value) == [2.5]


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"context": [], "examples": 1}, "Example must be JSON object but got JSON Array"),
        ({"examples": [[{}]]}, "Example must be JSON object but got JSON Array"),
        ({"examples": [None]}, "Example must be JSON object but got JSON Null"),
        ({"examples": [{"n": [10, None]}]}, "Feature: n has element with unexpected JSON type: Null"),
        ({"examples": [{"n": [10, {"t": 1}]}]}, "Feature: n has element with unexpected JSON type: Object"),
        ({"examples": [{"n": [[10], 20]}]}, "Feature: n has element with unexpected JSON type: Array"),
        ({"examples": [{"n": [10, 10.0]}]}, "Unexpected element type in feature: n expecting type: int64"),
        ({"examples": [{"n": [1.0, True]}]}, "Unexpected element type in feature: n expecting type: float"),
        ({"examples": [{"n": ["a", 1]}]}, "Unexpected element type in feature: n expecting type: bytes"),
        ({"examples": [{"n": [1, {"b64": "?"}]}]}, "Unexpected element type in feature: n expecting type: int64"),
        ({"examples": [{"n": {"b64": "?"}}]}, "Unable to base64 decode"),
        ({"examples": [{"n": 2**63}]}, "Feature: n has uint64 element. Only int64 is supported."),
        ({"examples": [{"n": 1e300}]}, "Cannot convert JSON value: 1e+300 to float without loss of precision."),
    ],
)
def test_examples_that_make_no_sense_are_refused(document: Any, text: str) -> None:
    with pytest.raises(StatusError) as refused:
        restexamples.classification_request(encoded(document))
    assert (refused.value.status.code, refused.value.status.message) == (Code.INVALID_ARGUMENT, text)
