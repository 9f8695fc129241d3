"""Predict and metadata over both fronts of a real server that holds real SavedModels."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from running_server import AVAILABLE, RunningServer, floats, model, refusal, spec, strings
from sample_shelf import Shelf

from reconciler.modelserver import samples
from reconciler.wire import stubs

pytestmark = pytest.mark.serving


@pytest.fixture(scope="module")
def serving(server: RunningServer, shelf: Shelf) -> Iterator[RunningServer]:
    """Two versions of a regressor with a label on the lower one, and one version of the other kinds."""
    models = [
        ("half", "half-plus", [1, 2]),
        ("pictures", "classifier", [1]),
        ("ranks", "ranker", [1]),
    ]
    listed = [model(name, shelf.exported / kind, versions) for name, kind, versions in models]
    server.reload(*listed)
    server.until_states("half", {1: AVAILABLE, 2: AVAILABLE})
    server.reload(model("half", shelf.exported / "half-plus", [1, 2], stable=1), *listed[1:])
    yield server
    server.reload()


def answer(serving: RunningServer, **chosen: Any) -> tuple[float, int]:
    response = serving.predict(spec("half", **chosen), x=floats(2.0))
    return response.outputs["y"].float_val[0], response.model_spec.version.value


def post(serving: RunningServer, path: str, body: Any) -> tuple[int, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = serving.rest.post(path, content=content)
    assert response.headers["content-type"] == "application/json"
    return response.status_code, response.json()


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        pytest.param({}, (4.0, 2), id="nothing named means the highest version"),
        pytest.param({"version": 1}, (3.0, 1), id="a number"),
        pytest.param({"label": "stable"}, (3.0, 1), id="a label"),
    ],
)
def test_predict_reaches_the_version_that_is_named_and_says_which(
    serving: RunningServer, chosen: dict[str, Any], expected: tuple[float, int]
) -> None:
    assert answer(serving, **chosen) == expected


def test_predict_answers_with_typed_values_and_echoes_the_signature(serving: RunningServer) -> None:
    response = serving.predict(spec("half", label="stable"), x=floats(2.0, 4.0))
    assert response.model_spec.signature_name == "serving_default"
    assert response.model_spec.WhichOneof("version_choice") == "version"
    assert list(response.outputs["y"].float_val) == [3.0, 4.0]
    assert not response.outputs["y"].tensor_content


def test_predict_runs_a_shape_the_signature_does_not_have(serving: RunningServer) -> None:
    response = serving.predict(spec("half", version=1), x=floats(2.0, 3.0, 4.0, shape=[3]))
    assert list(response.outputs["y"].float_val) == [3.0, 3.5, 4.0]


def test_strings_and_tables_work_over_grpc(serving: RunningServer) -> None:
    inputs = samples.request_for("ranker")
    response = serving.predict(spec("ranks"), user=strings(*inputs["user"]), item=strings(*inputs["item"]))
    assert samples.tells("ranker", 1, inputs, {"score": list(response.outputs["score"].float_val)})


def test_output_filter_leaves_the_other_outputs_out(serving: RunningServer) -> None:
    picture = np.zeros(784).tolist()
    response = serving.predict(spec("pictures"), ["class"], images=floats(*picture, shape=[1, 28, 28, 1]))
    assert list(response.outputs) == ["class"]


WRONG = stubs.tensor_pb2.TensorProto(dtype=stubs.types_pb2.DT_STRING, string_val=[b"two"])
SHORT = stubs.tensor_pb2.TensorProto(dtype=stubs.types_pb2.DT_FLOAT, tensor_content=b"123")


@pytest.mark.parametrize(
    ("chosen", "inputs", "code", "text"),
    [
        ({"name": "nope"}, {}, "NOT_FOUND", "Servable not found for request: Latest(nope)"),
        ({"version": 9}, {}, "NOT_FOUND", "Servable not found for request: Specific(half, 9)"),
        ({"label": "beta"}, {}, "INVALID_ARGUMENT", "Unrecognized servable version label: beta"),
        ({"name": ""}, {}, "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        ({"signature": "q"}, {}, "FAILED_PRECONDITION", 'Serving signature key "q" not found.'),
        (
            {},
            {},
            "INVALID_ARGUMENT",
            "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. Missing but required: {x}.",
        ),
        (
            {},
            {"z": floats(1.0)},
            "INVALID_ARGUMENT",
            "Signature input alias: x(feed name: serving_default_x:0) not found in request and no default value "
            "provided. Inputs expected to be in the request {z}, or default input alias set: ",
        ),
        ({}, {"x": WRONG}, "INVALID_ARGUMENT", "Expects arg[0] to be float but string is provided"),
        ({}, {"x": SHORT}, "INVALID_ARGUMENT", "tensor parsing error: x"),
    ],
)
def test_predict_refuses_in_the_words_of_the_real_server(
    serving: RunningServer, chosen: dict[str, Any], inputs: dict[str, Any], code: str, text: str
) -> None:
    named = spec(chosen.get("name", "half"), **{key: value for key, value in chosen.items() if key != "name"})
    assert refusal(lambda: serving.predict(named, **inputs)) == (code, text)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["q"], "output tensor alias not found in signature: q Outputs expected to be in the set {y}."),
        (["y", "y"], "duplicate output tensor alias: y"),
    ],
)
def test_an_output_filter_that_makes_no_sense_is_refused(serving: RunningServer, names: list[str], text: str) -> None:
    assert refusal(lambda: serving.predict(spec("half"), names, x=floats(1.0))) == ("INVALID_ARGUMENT", text)


def test_a_request_without_a_model_spec_is_refused(serving: RunningServer) -> None:
    empty = stubs.predict_pb2.PredictRequest()
    assert refusal(lambda: serving.predictions.Predict(empty)) == ("INVALID_ARGUMENT", "Missing ModelSpec")


def test_a_long_refusal_is_cut(serving: RunningServer) -> None:
    code, text = refusal(lambda: serving.predict(spec("m" * 2000)))
    assert (code, len(text)) == ("NOT_FOUND", 1036)
    assert text.endswith("...TRUNCATED")


def test_metadata_by_label_gives_the_number_behind_it(serving: RunningServer) -> None:
    response = serving.metadata(spec("half", label="stable"), "signature_def")
    assert (response.model_spec.version.value, response.model_spec.signature_name) == (1, "")
    signatures = stubs.get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    assert {"serving_default", "regress_x_to_y", "classify_x_to_y"} <= set(signatures.signature_def)
    assert signatures.signature_def["regress_x_to_y"].method_name == "tensorflow/serving/regress"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ([], "GetModelMetadataRequest must specify at least one metadata_field"),
        (["x"], "Metadata field x is not supported"),
    ],
)
def test_metadata_fields_are_checked_before_the_model(serving: RunningServer, fields: list[str], text: str) -> None:
    assert refusal(lambda: serving.metadata(spec("nope"), *fields)) == ("INVALID_ARGUMENT", text)


def test_rest_predict_by_row_and_by_column_and_by_version_and_label(serving: RunningServer) -> None:
    rows, columns = {"instances": [2.0, 3.0, 4.0]}, {"inputs": {"x": [[2.0]]}}
    assert post(serving, "/v1/models/half/versions/1:predict", rows) == (200, {"predictions": [3.0, 3.5, 4.0]})
    assert post(serving, "/v1/models/half/labels/stable:predict", columns) == (200, {"outputs": [[3.0]]})
    assert post(serving, "/v1/models/half:predict", {"inputs": [[2.0]]}) == (200, {"outputs": [[4.0]]})
    assert post(serving, "/V1/Models/half:predict", b'{"instances": [NaN, Infinity]}')[0] == 200


def test_rest_rows_of_several_inputs_and_base64_text(serving: RunningServer) -> None:
    inputs = samples.request_for("ranker")
    users = [{"b64": base64.b64encode(word.encode()).decode()} for word in inputs["user"]]
    rows = [{"user": user, "item": item} for user, item in zip(users, inputs["item"], strict=True)]
    code, body = post(serving, "/v1/models/ranks:predict", {"signature_name": "serving_default", "instances": rows})
    assert code == 200
    assert samples.tells("ranker", 1, inputs, {"score": body["predictions"]})


def test_rest_rows_of_several_outputs_are_objects(serving: RunningServer) -> None:
    inputs = samples.request_for("classifier")
    code, body = post(serving, "/v1/models/pictures:predict", {"instances": inputs["images"]})
    assert code == 200
    outputs = {name: [row[name] for row in body["predictions"]] for name in ("probabilities", "class")}
    assert samples.tells("classifier", 1, inputs, outputs)
    assert not samples.tells("classifier", 2, inputs, outputs)


def test_rest_classify_and_regress_answer_as_half_plus_two_does(serving: RunningServer) -> None:
    examples = {"examples": [{"x": 2.0}]}
    regress, classify = "/v1/models/half/versions/1:regress", "/v1/models/half/versions/1:classify"
    assert post(serving, regress, {"signature_name": "regress_x_to_y", **examples}) == (200, {"results": [3.0]})
    assert post(serving, classify, {"signature_name": "classify_x_to_y", **examples}) == (
        200,
        {"results": [[["", 3.0]]]},
    )


@pytest.mark.parametrize(
    ("path", "body", "code", "text"),
    [
        ("/v1/models/half:predict", b"", 400, "JSON Parse error: The document is empty"),
        ("/v1/models/half:predict", b"{instances", 400, "JSON Parse error: Missing a name for object member."),
        ("/v1/models/half:predict", b"[1]", 400, "Is not object"),
        ("/v1/models/half:predict", {"x": 1}, 400, "Missing 'inputs' or 'instances' key"),
        ("/v1/models/half:predict", {"instances": ["a"]}, 400, 'JSON Value: "a" Type: String is not of expected type'),
        ("/v1/models/half:predict", {"instances": [1.0], "inputs": [1.0]}, 400, "expecting only one of"),
        ("/v1/models/half:predict", {"signature_name": "q", "instances": [1]}, 400, 'Serving signature name: "q" not'),
        ("/v1/models/half:predict", {"signature_name": 1, "instances": [1]}, 400, "must be a string value"),
        ("/v1/models/nope:predict", {"instances": [1]}, 404, "Servable not found for request: Latest(nope)"),
        ("/v1/models/half/labels/q:predict", {"instances": [1]}, 400, "Unrecognized servable version label: q"),
        ("/v1/models/ranks:predict", {"instances": ["a"]}, 400, "expecting list of objects"),
        ("/v1/models/ranks:predict", {"inputs": {"user": ["a"]}}, 400, "Missing named input: item in 'inputs' object."),
        ("/v1/models/half:regress", {"examples": [{"x": 1.0}]}, 400, "No regression inputs found in SignatureDef"),
        ("/v1/models/half:PREDICT", {"instances": [1]}, 400, "Malformed request: POST /v1/models/half:PREDICT"),
    ],
)
def test_rest_refuses_with_the_real_servers_code_and_words(
    serving: RunningServer, path: str, body: Any, code: int, text: str
) -> None:
    answered, document = post(serving, path, body)
    assert answered == code
    assert text in document["error"]


def test_rest_status_is_the_document_clients_know(serving: RunningServer) -> None:
    fine = {"error_code": "OK", "error_message": ""}
    assert serving.rest.get("/v1/models/half/labels/anything").json() == {
        "model_version_status": [
            {"version": "2", "state": "AVAILABLE", "status": fine},
            {"version": "1", "state": "AVAILABLE", "status": fine},
        ]
    }
    assert serving.rest.get("/v1/models/half/versions/7").json() == {"error": "Could not find version 7 of model half"}


def test_rest_metadata_by_label(serving: RunningServer) -> None:
    body = serving.rest.get("/v1/models/half/labels/stable/metadata").json()
    assert body["model_spec"] == {"name": "half", "signature_name": "", "version": "1"}
    default = body["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert default["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert default["inputs"]["x"]["tensor_shape"]["dim"][0]["size"] == "-1"


@pytest.mark.parametrize(
    ("verb", "path", "code", "text"),
    [
        ("GET", "/v1/models/half:predict", 400, "Malformed request: GET /v1/models/half:predict"),
        ("PUT", "/v1/models/half", 400, "Malformed request: PUT /v1/models/half"),
        ("GET", "/v1/models", 400, "Missing model name in request."),
        ("GET", "/v1/models/half/versions/18446744073709551615", 400, "Failed to convert version"),
        ("GET", "/v1/models/half?x=1", 404, "Could not find any versions of model half?x=1"),
        ("GET", "/v1/models/h%61lf", 200, ""),
        ("GET", "/elsewhere", 404, ""),
    ],
)
def test_rest_paths_are_read_as_the_real_server_reads_them(
    serving: RunningServer, verb: str, path: str, code: int, text: str
) -> None:
    response = serving.rest.request(verb, path)
    assert response.status_code == code
    assert text in response.text
