"""JSON bodies that are not well: each with the words of util/json_tensor.cc and RapidJSON, and where it stands."""

from __future__ import annotations

from typing import Any

import pytest
from conformance_cases import case
from conformance_standing import WIRE, Standing

pytestmark = pytest.mark.serving
ROW = "Failed to process element: {} of 'instances' list. Error: INVALID_ARGUMENT: "


@case("C83", "S90", process_only=WIRE)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "The document is empty"),
        ("   ", "The document is empty. at offset: 3"),
        ("instances = [1, 2]", "Invalid value. at offset: 0"),
        ("nul", "Invalid value. at offset: 3"),
        ('{"instances": [1,}', "Invalid value. at offset: 17"),
        ('{"instances": [1.0}', "Missing a comma or ] after an array element. at offset: 18"),
        ('{"instances" 1}', "Missing a colon after a name of object member. at offset: 13"),
        ("{instances: 1}", "Missing a name for object member. at offset: 1"),
        ('{"a": 1,}', "Missing a name for object member. at offset: 8"),
        ('{"a": 1 "b": 2}', "Missing a comma or } after an object member. at offset: 8"),
        ('{"a": 1', "Missing a comma or } after an object member. at offset: 7"),
        ("{} x", "The document root must not be followed by other values. at offset: 3"),
        ('{"a": 1e999}', "Number too big to be stored in double. at offset: 6"),
        ('{"a": 1.}', "Miss fraction part in number. at offset: 8"),
        ('{"a": 1e}', "Miss exponent in number. at offset: 8"),
        ('{"a": -}', "Invalid value. at offset: 7"),
        ("{'a': 1}", "Missing a name for object member. at offset: 1"),
        ('{"a": 01}', "Missing a comma or } after an object member. at offset: 7"),
    ],
)
def test_what_is_no_json_is_a_parse_error_with_its_place(standing: Standing, body: str, said: str) -> None:
    assert standing.post(body).error == (400, f"JSON Parse error: {said}")


@case("S90", process_only=WIRE)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a": "b', "Missing a closing quotation mark in string."),
        (b'{"a": "\\x"}', "Invalid escape character in string."),
        (b'{"a": "\\u12G4"}', "Incorrect hex digit after \\u escape in string."),
        (b'{"a": "\\ud800x"}', "The surrogate pair in string is invalid."),
    ],
)
def test_broken_strings_are_parse_errors(standing: Standing, body: bytes, said: str) -> None:
    status, text = standing.post(body).error
    assert (status, text[: len(said) + 18]) == (400, f"JSON Parse error: {said}")


@case("S91", process_only=WIRE)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("[1, 2]", "JSON Value: [\n    1,\n    2\n] Is not object"),
        ("5", "JSON Value: 5 Is not object"),
        ("null", "JSON Value: null Is not object"),
        ("{}", "Missing 'inputs' or 'instances' key"),
        ('{"Instances": [1]}', "Missing 'inputs' or 'instances' key"),
        ('{"instances": 5}', "JSON Value: {\n    \"instances\": 5\n} Excepting 'instances' to be an list/array"),
        ('{"instances": []}', "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array"),
        (
            '{"instances": [1], "inputs": [1]}',
            'JSON Value: {\n    "instances": [\n        1\n    ],\n    "inputs": [\n        1\n    ]\n} '
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ",
        ),
        (
            '{"signature_name": 100}',
            'JSON Value: {\n    "signature_name": 100\n} not formatted correctly. '
            "'signature_name' key must be a string value.",
        ),
        (
            '{"signature_name": "nope", "instances": [1]}',
            'Serving signature name: "nope" not found in signature def',
        ),
    ],
)
def test_a_document_of_another_form_is_refused(standing: Standing, body: str, said: str) -> None:
    assert standing.post(body).error == (400, said)


@case("S92", process_only=WIRE)
@pytest.mark.parametrize(
    ("instances", "said"),
    [
        ('["x"]', ROW.format(0) + 'JSON Value: "x" Type: String is not of expected type: float'),
        ("[1, true]", ROW.format(1) + "JSON Value: true Type: True is not of expected type: float"),
        ("[null]", ROW.format(0) + "JSON Value: null Type: Null is not of expected type: float"),
        ("[[1], [2, 3]]", ROW.format(1) + "Expecting tensor size: 1 but got: 2"),
        ("[[[1, 2]], [[1], [2]]]", ROW.format(1) + "Expecting shape [1,2] but got: [2,1]"),
        ("[[1, [2]]]", ROW.format(0) + "Encountered list at unexpected level: 1 expected < 1"),
        (
            "[[[1], 2]]",
            ROW.format(0) + "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
        ),
        ("[16777217]", ROW.format(0) + "Cannot convert JSON value: 16777217 to float without loss of precision."),
        ("[1e39]", ROW.format(0) + "Cannot convert JSON value: 1e+39 to float without loss of precision."),
        ('[1.0, {"x": 1}]', "Expecting value/list but got object at item 1 of input list"),
        ('[{"x": 1}, 1.0]', "Expecting object but got list at item 1 of input list"),
        ("[{}]", "Failed to process element: 0 of 'instances' list. JSON object: {} keys must be equal to: x"),
        (
            '[{"x": 1, "z": 1}]',
            "Failed to process element: 0 key: z of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: z",
        ),
        (
            '[{"x": 1}, {}]',
            "Failed to process element: 1 of 'instances' list. JSON object: {} keys must be equal to: x",
        ),
        (
            '[{"x": "1"}]',
            "Failed to process element: 0 key: x of 'instances' list. Error: INVALID_ARGUMENT: "
            'JSON Value: "1" Type: String is not of expected type: float',
        ),
    ],
)
def test_a_row_that_does_not_fit_is_named_with_its_number(standing: Standing, instances: str, said: str) -> None:
    assert standing.post(f'{{"instances": {instances}}}').error == (400, said)


@case("S93", process_only=WIRE)
@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ("[[1], [2, 3]]", "Encountered list at unexpected size: 2 at level: 1 expected size: 1"),
        ("[1, [2]]", "Encountered list at unexpected level: 1 expected < 1"),
        ("[[1], 2]", "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        ('"a"', 'JSON Value: "a" Type: String is not of expected type: float'),
        ('{"z": [1]}', "Missing named input: x in 'inputs' object."),
        ('{"x": [{"b64": "aGk="}]}', 'JSON Value: {\n    "b64": "aGk="\n} Type: Object is not of expected type: float'),
    ],
)
def test_a_column_that_does_not_fit_is_refused(standing: Standing, inputs: str, said: str) -> None:
    assert standing.post(f'{{"inputs": {inputs}}}').error == (400, said)


@case("S94", process_only=WIRE)
@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "instances",
            [1, 2],
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map",
        ),
        (
            "inputs",
            [1, 2],
            "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
            "tensorinfo_map",
        ),
        ("inputs", {"a": [1]}, "Missing named input: b in 'inputs' object."),
        (
            "instances",
            [{"a": 1}],
            "Failed to process element: 0 of 'instances' list. JSON object: {\n    \"a\": 1\n} "
            "keys must be equal to: a,b",
        ),
    ],
)
def test_several_inputs_must_all_be_named(standing: Standing, key: str, value: Any, said: str) -> None:
    assert standing.post({"signature_name": "pair", key: value}).error == (400, said)


@case("S95", process_only=WIRE)
@pytest.mark.parametrize(
    ("dtype", "value", "said"),
    [
        ("int32", "2.5", "JSON Value: 2.5 Type: Number is not of expected type: int32"),
        ("int32", "2147483648", "JSON Value: 2147483648 Type: Number is not of expected type: int32"),
        ("int64", "9223372036854775808", "JSON Value: 9223372036854775808 Type: Number is not of expected type: int64"),
        ("uint8", '"1"', 'JSON Value: "1" Type: String is not of expected type: uint8'),
        ("uint64", "-1", "JSON Value: -1 Type: Number is not of expected type: uint64"),
        ("bool", "1", "JSON Value: 1 Type: Number is not of expected type: bool"),
        ("string", "1", "JSON Value: 1 Type: Number is not of expected type: string"),
        ("string", '{"b64": "%%%"}', "Unable to base64 decode"),
        ("string", '{"b64": "aGk=", "x": 1}', None),
        ("double", '"NaN"', 'JSON Value: "NaN" Type: String is not of expected type: double'),
    ],
)
def test_a_value_that_its_type_cannot_hold_is_refused(
    standing: Standing, dtype: str, value: str, said: str | None
) -> None:
    body = f'{{"signature_name": "{dtype}", "inputs": {{"x": [{value}]}}}}'
    expected = said or ('JSON Value: {\n    "b64": "aGk=",\n    "x": 1\n} not formatted correctly for base64 data')
    assert standing.post(body, model="echo").error == (400, expected)


@case("S96", process_only=WIRE)
@pytest.mark.parametrize(
    ("examples", "said"),
    [
        ("5", "JSON Value: {\n    \"signature_name\": \"regress_x_to_y\",\n    \"examples\": 5\n} "
         "Expecting 'examples' value to be an list/array"),
        ("[]", "JSON Value: {\n    \"signature_name\": \"regress_x_to_y\",\n    \"examples\": []\n} "
         "'examples' value is an empty array"),
        ("[5]", "Example must be JSON object but got JSON Number"),
        ("[[]]", "Example must be JSON object but got JSON Array"),
        ('[{"x": null}]', "Feature: x has element with unexpected JSON type: Null"),
        ('[{"x": [[1.0]]}]', "Feature: x has element with unexpected JSON type: Array"),
        ('[{"x": {"y": 1}}]', "Feature: x has element with unexpected JSON type: Object"),
        ('[{"x": [1.5, "a"]}]', "Unexpected element type in feature: x expecting type: float"),
        ('[{"x": ["a", 1.5]}]', "Unexpected element type in feature: x expecting type: bytes"),
        ('[{"x": [1, 1.5]}]', "Unexpected element type in feature: x expecting type: int64"),
        ('[{"x": 18446744073709551615}]', "Feature: x has uint64 element. Only int64 is supported."),
        ('[{"x": {"b64": "%"}}]', "Unable to base64 decode"),
    ],
)  # fmt: skip
def test_examples_of_another_form_are_refused(standing: Standing, examples: str, said: str) -> None:
    body = f'{{"signature_name": "regress_x_to_y", "examples": {examples}}}'
    assert standing.post(body, ":regress").error == (400, said)


@case("S96", process_only=WIRE)
def test_classify_and_regress_need_examples_and_a_signature_of_their_form(standing: Standing) -> None:
    missing = (
        "JSON Value: {\n    \"instances\": []\n} When method is classify, key 'examples' is expected and was not found"
    )
    for verb in ("classify", "regress"):
        assert standing.post('{"instances": []}', f":{verb}").error == (400, missing)
        body = {"signature_name": "nope", "examples": [{"x": 1.0}]}
        assert standing.post(body, f":{verb}").error == (400, "No signature was found with the name: nope")
        assert standing.post("", f":{verb}").error == (400, "JSON Parse error: The document is empty")


@case("S96", process_only=WIRE)
def test_the_document_is_read_before_the_model_is_looked_up(standing: Standing) -> None:
    for verb in ("predict", "classify", "regress"):
        refused = standing.send("POST", f"/v1/models/nope:{verb}", b"{")
        assert refused.error[0] == 400
        assert refused.error[1].startswith("JSON Parse error: ")


@case("S97", process_only=WIRE)
def test_an_error_is_an_object_with_its_text_escaped(standing: Standing) -> None:
    answer = standing.post({"signature_name": 'a"\n\\é', "instances": [1]})
    assert answer.headers["content-type"] == "application/json"
    assert answer.body.decode() == (
        '{\n    "error": "Serving signature name: \\"a\\"\\n\\\\é\\" not found in signature def"\n}'
    )


# -- what nobody would send -------------------------------------------------------------------------------------------


@case("S98", process_only=WIRE)
def test_hundreds_of_nested_lists_are_no_tensor(standing: Standing) -> None:
    for depth in (255, 900):
        body = f'{{"inputs": {"[" * depth}1{"]" * depth}}}'
        assert standing.post(body).error == (400, "tensor parsing error: x")


@case("S98", process_only=WIRE)
def test_hundreds_of_nested_lists_that_do_not_end_are_a_parse_error(standing: Standing) -> None:
    body = '{"inputs": ' + "[" * 900
    assert standing.post(body).error == (400, f"JSON Parse error: Invalid value. at offset: {len(body)}")


@case("S99", process_only=WIRE)
def test_large_bodies_are_read_to_their_end(standing: Standing) -> None:
    padding = " " * 20_000_000
    assert standing.post(f'{{"instances": {padding}[2.0]}}', "/versions/1:predict").json() == {"predictions": [3.0]}
    many = standing.post(f'{{"instances": [{"2.0," * 200_000}2.0]}}', "/versions/1:predict")
    assert many.json()["predictions"] == [3.0] * 200_001


@case("S99", process_only=WIRE)
def test_bytes_that_are_no_text_are_passed_on(standing: Standing) -> None:
    body = b'{"signature_name": "bytes", "instances": ["\xff\xfe\x80"]}'
    assert standing.post(body).json() == {"predictions": [{"b64": "//6A"}]}


@case("S99", process_only=WIRE)
def test_a_byte_order_mark_is_skipped(standing: Standing) -> None:
    assert standing.post(b'\xef\xbb\xbf{"instances": [2.0]}', "/versions/1:predict").json() == {"predictions": [3.0]}


@case("S99", process_only=WIRE)
def test_a_document_ends_at_a_zero_byte(standing: Standing) -> None:
    assert standing.post(b'{"instances": [2.0]}\0 {', "/versions/1:predict").json() == {"predictions": [3.0]}
