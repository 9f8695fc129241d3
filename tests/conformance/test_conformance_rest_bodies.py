"""JSON bodies that are well: rows, columns, examples, and how values are written (util/json_tensor.cc)."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
from conformance_cases import case
from conformance_standing import WIRE, Standing

pytestmark = pytest.mark.serving


def predicted(standing: Standing, body: Any, model: str = "plus") -> Any:
    answer = standing.post(body, "/versions/1:predict", model)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def echoed(standing: Standing, dtype: str, values: str) -> bytes:
    """The answer to values written as they are."""
    answer = standing.post(f'{{"signature_name": "{dtype}", "inputs": {values}}}', model="echo")
    assert answer.status == 200, answer.body
    return answer.body


@case("C79", "S41", process_only=WIRE)
def test_rows_are_answered_as_predictions_and_columns_as_outputs(standing: Standing) -> None:
    assert predicted(standing, {"instances": [2.0, 3.0, 4.0]}) == {"predictions": [3.0, 3.5, 4.0]}
    assert predicted(standing, {"inputs": [2.0, 3.0, 4.0]}) == {"outputs": [3.0, 3.5, 4.0]}
    nested = [[2.0], [3.0]]
    assert predicted(standing, {"instances": nested}) == {"predictions": [[3.0], [3.5]]}
    assert predicted(standing, {"inputs": {"x": nested}}) == {"outputs": [[3.0], [3.5]]}
    assert predicted(standing, {"instances": [{"x": 2.0}, {"x": 3.0}]}) == {"predictions": [3.0, 3.5]}


@case("S41", process_only=WIRE)
def test_the_layout_is_that_of_a_pretty_printer_with_single_line_rows(standing: Standing) -> None:
    row = standing.post({"instances": [[1.0, 2.0], [3.0, 4.0]]}, "/versions/1:predict").body
    assert row == b'{\n    "predictions": [[2.5, 3.0], [3.5, 4.0]\n    ]\n}'
    column = standing.post({"inputs": [2.0, 3.0]}, "/versions/1:predict").body
    assert column == b'{\n    "outputs": [\n        3.0,\n        3.5\n    ]\n}'


@case("S41", process_only=WIRE)
def test_signature_name_and_key_order_and_unknown_keys_do_not_matter(standing: Standing) -> None:
    body = '{"more": [1, {"a": null}], "instances": [2.0], "signature_name": "serving_default"}'
    assert predicted(standing, body) == {"predictions": [3.0]}
    assert predicted(standing, '{"signature_name": "", "instances": [2.0]}') == {"predictions": [3.0]}


@case("S42", process_only=WIRE)
def test_several_inputs_and_outputs_are_named(standing: Standing) -> None:
    rows = {"signature_name": "pair", "instances": [{"a": 5, "b": 2}, {"b": 1, "a": 1}]}
    assert predicted(standing, rows) == {
        "predictions": [{"sum": 7.0, "difference": 3.0}, {"sum": 2.0, "difference": 0.0}]
    }
    columns = {"signature_name": "pair", "inputs": {"a": [5, 1], "b": [2, 1]}}
    assert predicted(standing, columns) == {"outputs": {"sum": [7.0, 2.0], "difference": [3.0, 0.0]}}


@case("S43", process_only=WIRE)
def test_rows_need_the_same_first_dimension_in_all_outputs(standing: Standing) -> None:
    body = {"signature_name": "uneven", "instances": [[2.0], [3.0]]}
    assert predicted(standing, body) == {"predictions": [{"y": [3.0], "shape": 2}, {"y": [3.5], "shape": 1}]}
    body["instances"] = [[2.0], [3.0], [4.0]]
    status, text = standing.post(body, "/versions/1:predict").error
    assert status == 400
    assert text in (
        "Tensor name: shape has inconsistent batch size: 2 expecting: 3",
        "Tensor name: y has inconsistent batch size: 3 expecting: 2",
    )


@case("S43", process_only=WIRE)
def test_a_scalar_output_can_be_a_column_but_no_row(standing: Standing) -> None:
    assert predicted(standing, {"signature_name": "scalar", "inputs": [[2.0]]}) == {"outputs": 2}
    refused = standing.post({"signature_name": "scalar", "instances": [2.0]})
    assert refused.error == (400, "Tensor name: rank has no shape information ")


@case("S43", process_only=WIRE)
def test_a_signature_without_inputs_cannot_be_called(standing: Standing) -> None:
    refused = standing.post({"signature_name": "no_inputs", "inputs": {}})
    assert refused.error == (400, "Failed to get input map for signature: no_inputs")


@case("S44", process_only=WIRE)
@pytest.mark.parametrize(
    ("written", "answered"),
    [
        ("0.2", "0.2"),
        ("2", "2.0"),
        ("-0.0", "-0.0"),
        ("0.333333343", "0.333333343"),
        ("9000000", "9e+06"),
        ("16777215", "16777215.0"),
        ("0.00001", "1e-05"),
        ("3.4028234e38", "3.40282347e+38"),
        ("1e-45", "1.4013e-45"),
        ("123456", "123456.0"),
        ("1234567", "1234567.0"),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
        ("Inf", "Infinity"),
        ("-Inf", "-Infinity"),
    ],
)
def test_floats_are_written_as_short_as_they_are_read_back(standing: Standing, written: str, answered: str) -> None:
    assert echoed(standing, "float", f"[{written}]") == f'{{\n    "outputs": [\n        {answered}\n    ]\n}}'.encode()


@case("S44", process_only=WIRE)
def test_doubles_keep_all_their_digits(standing: Standing) -> None:
    values = [0.1, 1 / 3, 1e300, -2.5e-10, 123456789.125, 5e-324]
    said = json.loads(echoed(standing, "double", json.dumps(values)))
    assert said == {"outputs": values}


@case("S45", process_only=WIRE)
def test_nan_and_infinity_are_read_and_written_bare(standing: Standing) -> None:
    body = '{"signature_name": "double", "instances": [[NaN, 1], [-Infinity, Infinity]]}'
    (nan, one), (lowest, highest) = json.loads(standing.post(body, model="echo").body)["predictions"]
    assert (math.isnan(nan), one, lowest, highest) == (True, 1.0, -math.inf, math.inf)


@case("S46", process_only=WIRE)
@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("int8", [-128, 127]),
        ("int16", [-32768, 32767]),
        ("int32", [-(2**31), 2**31 - 1]),
        ("int64", [-(2**63), 2**63 - 1]),
        ("uint8", [0, 255]),
        ("uint32", [0, 2**32 - 1]),
        ("uint64", [0, 2**64 - 1]),
        ("bool", [True, False]),
        ("string", ["", 'é\n"\\\u0001', "a\0b"]),
    ],
)
def test_values_of_a_type_come_back_as_they_went(standing: Standing, dtype: str, values: list[Any]) -> None:
    assert json.loads(echoed(standing, dtype, json.dumps(values))) == {"outputs": values}


@case("S47", process_only=WIRE)
def test_binary_strings_are_base64_objects_and_outputs_named_bytes_are_written_so(standing: Standing) -> None:
    encoded = {"b64": base64.b64encode(b"\xff\0hello").decode()}
    assert predicted(standing, {"signature_name": "bytes", "instances": [encoded]}) == {"predictions": [encoded]}
    assert predicted(standing, {"signature_name": "bytes", "instances": [{"s": encoded}]}) == {"predictions": [encoded]}
    assert predicted(standing, {"signature_name": "bytes", "inputs": [encoded, "a"]}) == {
        "outputs": [encoded, {"b64": "YQ=="}]
    }
    assert predicted(standing, {"signature_name": "text", "inputs": {"b64": "aGk="}}) == {"outputs": "hi"}


@case("C80", "S48", process_only=WIRE)
def test_classify_answers_pairs_of_label_and_score(standing: Standing) -> None:
    body = {"signature_name": "classify_x_to_y", "examples": [{"x": 2.0}, {"x": [4.0]}]}
    assert standing.post(body, "/versions/1:classify").json() == {"results": [[["", 3.0]], [["", 4.0]]]}
    labelled = {"signature_name": "classify_with_labels", "examples": [{"x": 2.0}]}
    assert standing.post(labelled, "/versions/1:classify").json() == {"results": [[["2.000000", 3.0]]]}


@case("C80", "S48", process_only=WIRE)
def test_regress_answers_values(standing: Standing) -> None:
    body = {"signature_name": "regress_x_to_y", "examples": [{"x": 2.0}, {"x": 80.5}]}
    answer = standing.post(body, "/versions/1:regress")
    assert (answer.json(), answer.headers["content-type"]) == ({"results": [3.0, 42.25]}, "application/json")


@case("S48", process_only=WIRE)
def test_a_context_goes_with_every_example(standing: Standing) -> None:
    body = {"signature_name": "regress_x_to_y", "context": {"x": 2.0}, "examples": [{}, {"y": "other"}]}
    assert standing.post(body, "/versions/1:regress").json() == {"results": [3.0, 3.0]}
