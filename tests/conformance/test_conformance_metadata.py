"""GetModelMetadata, over gRPC and REST (get_model_metadata_impl.cc, ToJsonString of http_rest_api_util.cc)."""

from __future__ import annotations

from typing import Any

import pytest
from conformance_cases import case
from conformance_client import DEADLINE, spec
from conformance_standing import WIRE, Standing, refusal

from reconciler.wire import stubs

pytestmark = pytest.mark.serving


def metadata(standing: Standing, model_spec: Any, *fields: str) -> Any:
    request = stubs.get_model_metadata_pb2.GetModelMetadataRequest(model_spec=model_spec, metadata_field=fields)
    return standing.client.predictions.GetModelMetadata(request, timeout=DEADLINE)


def signatures(response: Any) -> Any:
    found = stubs.get_model_metadata_pb2.SignatureDefMap()
    assert list(response.metadata) == ["signature_def"]
    assert response.metadata["signature_def"].Unpack(found)
    return found.signature_def


@case("C70", "O19", process_only=WIRE)
def test_fields_are_checked_before_the_model_is_looked_up(standing: Standing) -> None:
    nobody = spec("nope")
    for fields, said in (
        ((), "GetModelMetadataRequest must specify at least one metadata_field"),
        (("x",), "Metadata field x is not supported"),
        (("signature_def", "y"), "Metadata field y is not supported"),
    ):
        for asked in (standing.spec(), nobody):
            refused = refusal(metadata, standing, asked, *fields)
            assert refused == f"INVALID_ARGUMENT: {said}"


@case("S2", process_only=WIRE)
def test_without_a_model_spec_nothing_else_is_looked_at(standing: Standing) -> None:
    assert refusal(metadata, standing, None) == "INVALID_ARGUMENT: Missing ModelSpec"


@case("C71", "O15", process_only=WIRE)
def test_by_label_the_answer_names_the_resolved_version_and_no_signature(standing: Standing) -> None:
    said = metadata(standing, standing.spec(label="stable", of="regress_x_to_y"), "signature_def")
    assert said.model_spec == standing.spec(version=1)


@case("S20", process_only=WIRE)
def test_all_signatures_come_as_the_export_has_them(standing: Standing) -> None:
    found = signatures(metadata(standing, standing.spec(), "signature_def", "signature_def"))
    assert {"serving_default", "classify_x_to_y", "pair_with_default", "no_inputs"} <= set(found)
    default = found["serving_default"]
    assert default.method_name == "tensorflow/serving/predict"
    assert (default.inputs["x"].name, default.inputs["x"].dtype) == ("x:0", 1)
    assert [each.size for each in default.outputs["y"].tensor_shape.dim] == [-1, 1]
    assert list(found["pair_with_default"].defaults["b"].float_val) == [100.0]


@case("O17", "O18", process_only=WIRE)
def test_what_is_not_found_is_said_as_for_predict(standing: Standing) -> None:
    name = standing.name("plus")
    for asked, said in (
        (spec(name, 7), f"NOT_FOUND: Servable not found for request: Specific({name}, 7)"),
        (spec("nope"), "NOT_FOUND: Servable not found for request: Latest(nope)"),
        (spec(name, label="x"), "INVALID_ARGUMENT: Unrecognized servable version label: x"),
        (spec(""), "INVALID_ARGUMENT: ModelSpec has no name specified."),
    ):
        assert refusal(metadata, standing, asked, "signature_def") == said


@case("S21", process_only=WIRE)
def test_over_rest_all_fields_are_there_under_their_proto_names_and_64_bit_numbers_are_text(standing: Standing) -> None:
    answer = standing.get("/metadata", "variable")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    info = {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}}
    assert answer.json() == {
        "model_spec": {"name": standing.name("variable"), "signature_name": "", "version": "1"},
        "metadata": {
            "signature_def": {
                "signature_def": {
                    "serving_default": {
                        "inputs": {"x": {**info, "name": "x:0"}},
                        "outputs": {"y": {**info, "name": "y:0"}},
                        "method_name": "tensorflow/serving/predict",
                        "defaults": {},
                    }
                }
            }
        },
    }


@case("S21", "C71", process_only=WIRE)
def test_over_rest_version_and_label_are_honoured(standing: Standing) -> None:
    for chosen, version in (("", "2"), ("/versions/1", "1"), ("/labels/stable", "1"), ("/versions/0002", "2")):
        assert standing.get(f"{chosen}/metadata").json()["model_spec"]["version"] == version
    name = standing.name("plus")
    assert standing.get("/labels/beta/metadata").error == (400, "Unrecognized servable version label: beta")
    assert standing.get("/versions/7/metadata").error == (404, f"Servable not found for request: Specific({name}, 7)")
