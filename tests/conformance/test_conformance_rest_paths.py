"""Which HTTP requests are calls, and which are refused as what (http_rest_api_util.cc, http_server.cc).

Not here: bodies of inference.
"""

from __future__ import annotations

import gzip
import json
import zlib
from urllib.parse import quote

import pytest
from conformance_cases import case
from conformance_standing import ODD_NAME, WIRE, Standing

pytestmark = pytest.mark.serving
HALF = {"instances": [2.0, 3.0, 4.0]}


@case("C77", "S30", process_only=WIRE)
def test_status_is_the_whole_message_with_versions_as_text_highest_first(standing: Standing) -> None:
    answer = standing.get()
    well = {"error_code": "OK", "error_message": ""}
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {
        "model_version_status": [
            {"version": "2", "state": "AVAILABLE", "status": well},
            {"version": "1", "state": "AVAILABLE", "status": well},
        ]
    }


@case("S30", process_only=WIRE)
def test_status_of_one_version_and_of_what_is_not_there(standing: Standing) -> None:
    name = standing.name("plus")
    assert [each["version"] for each in standing.get("/versions/1").json()["model_version_status"]] == ["1"]
    assert standing.get("/versions/9").error == (404, f"Could not find version 9 of model {name}")
    assert standing.send("GET", "/v1/models/nope").error == (404, "Could not find any versions of model nope")


@case("C78", process_only=WIRE)
def test_status_by_label_ignores_the_label(standing: Standing) -> None:
    everything = standing.get().body
    assert standing.get("/labels/stable").body == everything
    assert standing.get("/labels/nobody%20defined%20this").body == everything


@case("C81", "S31", process_only=WIRE)
@pytest.mark.parametrize(
    "request_line",
    [
        "GET /v1/foo",
        "POST /v1/foo",
        "GET /v1/",
        "GET /v1/models/",
        "GET /v1/models/debug/model_name",
        "POST /v1/models",
        "POST /v1/models/model",
        "GET /v1/models/model:predict",
        "GET /v1/models/model/version/50:predict",
        "POST /v1/models/model/version/50:regress",
        "POST /v1/models/model/versions/HELLO:regress",
        "POST /v1/models/model/versions/-1:predict",
        "POST /v1/models/model/versions/some_label:regress",
        "POST /v1/models/model/label/some_label:regress",
        "POST /v1/models/model/versions/50/labels/some_label:regress",
        "POST /v1/models/model/metadata",
        "POST /v1/models/model:multi",
        "POST /v1/models/model:PREDICT",
        "POST /v1/models/model:predict/",
        "POST /v1/models/model:predict?x=1",
        "GET /v1/models/model/",
        "GET /v1/models/model/metadata/",
        "GET /v1/models/model/versions/",
        "GET /v1/models/model/versions/1/labels/a",
        "GET /v1/models/model/metadata?x=1/2",
        "PUT /v1/models/model",
        "DELETE /v1/models/model",
        "PATCH /v1/models/model",
        "PUT /v1/models/model:predict",
    ],
)
def test_what_is_no_call_is_malformed(standing: Standing, request_line: str) -> None:
    verb, target = request_line.split(" ", 1)
    body = b"{}" if verb in ("POST", "PUT", "PATCH") else None
    assert standing.send(verb, target, body).error == (400, f"Malformed request: {request_line}")


@case("S31", process_only=WIRE)
def test_head_is_malformed_too(standing: Standing) -> None:
    answer = standing.send("HEAD", standing.path())
    assert (answer.status, answer.body) == (400, b"")


@case("C81", process_only=WIRE)
def test_models_without_a_name_say_so(standing: Standing) -> None:
    assert standing.send("GET", "/v1/models").error == (400, "Missing model name in request.")
    assert standing.send("GET", "/v1/models/metadata").error[0] == 404  # a model of that name


@case("C82", process_only=WIRE)
def test_a_version_beyond_int64_cannot_be_converted(standing: Standing) -> None:
    for number in (2**63, 2**64 - 1, 10**30):
        for verb, rest, body in (("POST", ":regress", b"{}"), ("GET", "", None), ("GET", "/metadata", None)):
            answer = standing.send(verb, f"/v1/models/foo/versions/{number}{rest}", body)
            assert answer.status == 400
            if answer.body:  # http_rest_api_handler.cc may return before it writes one
                assert answer.error[1] == f"Failed to convert version: {number} to numeric."
    assert standing.send("GET", f"/v1/models/foo/versions/{2**63 - 1}").status == 404


@case("S32", process_only=WIRE)
def test_the_fixed_part_of_a_path_may_be_in_any_case(standing: Standing) -> None:
    name = standing.name("plus")
    assert standing.send("GET", f"/V1/Models/{name}").body == standing.get().body
    assert standing.send("POST", f"/V1/MODELS/{name}/VERSIONS/1:predict", json.dumps(HALF)).json() == {
        "predictions": [3.0, 3.5, 4.0]
    }
    assert standing.send("GET", f"/v1/models/{name.upper()}").status == 404


@case("S33", process_only=WIRE)
def test_everything_outside_v1_is_a_404_page_and_no_json(standing: Standing) -> None:
    for target in ("/", "/index.html", "/v2/models/x", "/v1", "/health", "/v1models"):
        answer = standing.send("GET", target)
        assert answer.status == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert b"Not Found" in answer.body


@case("S34", process_only=WIRE)
def test_a_query_string_is_part_of_the_name(standing: Standing) -> None:
    name = standing.name("plus")
    assert standing.get("?x=1").error == (404, f"Could not find any versions of model {name}?x=1")


@case("C84", "S35", process_only=WIRE)
def test_names_and_labels_are_percent_decoded(standing: Standing) -> None:
    name = quote(standing.name(ODD_NAME), safe="")
    assert standing.send("GET", f"/v1/models/{name}").status == 200
    assert standing.send("POST", f"/v1/models/{name}:predict", json.dumps(HALF)).json() == {
        "predictions": [3.0, 3.5, 4.0]
    }
    assert standing.post(HALF, "/labels/a%2Fb%20c:predict").json() == {"predictions": [3.0, 3.5, 4.0]}
    assert standing.get("/labels/a%2fb%20c/metadata").json()["model_spec"]["version"] == "1"


@case("S35", process_only=WIRE)
def test_names_are_decoded_once_and_a_plus_is_a_plus(standing: Standing) -> None:
    assert standing.send("GET", "/v1/models/a%2541+b").error == (404, "Could not find any versions of model a%41+b")
    assert standing.send("GET", "/v1/models/%C3%A9").error == (404, "Could not find any versions of model é")


@case("S36", process_only=WIRE)
def test_by_default_by_version_and_by_label(standing: Standing) -> None:
    for chosen, first in (("", 4.0), ("/versions/1", 3.0), ("/versions/0002", 4.0), ("/labels/stable", 3.0)):
        assert standing.post(HALF, f"{chosen}:predict").json()["predictions"][0] == first
        for verb, wrapped in (("classify", [["", first]]), ("regress", first)):
            body = {"signature_name": f"{verb}_x_to_y", "examples": [{"x": 2.0}]}
            assert standing.post(body, f"{chosen}:{verb}").json() == {"results": [wrapped]}


@case("C83", "S37", process_only=WIRE)
def test_codes_over_rest_follow_the_codes_over_grpc(standing: Standing) -> None:
    name = standing.name("plus")
    missing = f"Servable not found for request: Specific({name}, 9)"
    assert standing.send("POST", "/v1/models/nope:predict", json.dumps(HALF)).error == (
        404,
        "Servable not found for request: Latest(nope)",
    )
    assert standing.post(HALF, "/versions/9:predict").error == (404, missing)
    assert standing.post(HALF, "/labels/x:predict").error == (400, "Unrecognized servable version label: x")
    assert standing.post(HALF, model="hollow").error[0] == 400  # FAILED_PRECONDITION
    body = {"signature_name": "complex64", "inputs": [1.0]}
    assert standing.post(body, model="echo").error == (501, "Conversion of JSON Value: 1.0 to type: complex64")


@case("S38", process_only=WIRE)
def test_options_is_answered_to_whoever_names_an_origin(standing: Standing) -> None:
    target = standing.path(":predict")
    for origin in ("http://a.example", "https://a.example:8080"):
        assert standing.send("OPTIONS", target, headers={"Origin": origin}).status == 200
    for headers in ({}, {"Origin": "null"}, {"Origin": "ftp://a.example"}):
        assert standing.send("OPTIONS", target, headers=headers).status == 400


@case("S39", process_only=WIRE)
def test_bodies_may_be_gzipped(standing: Standing) -> None:
    packed = gzip.compress(json.dumps(HALF).encode())
    answer = standing.send("POST", standing.path("/versions/1:predict"), packed, {"Content-Encoding": "gzip"})
    assert answer.json() == {"predictions": [3.0, 3.5, 4.0]}


@case("S39", process_only=WIRE)
def test_what_cannot_be_unzipped_is_an_empty_document(standing: Standing) -> None:
    packed = gzip.compress(json.dumps(HALF).encode())
    for broken in (b"no gzip at all", packed[: len(packed) // 2], zlib.compress(b"{}")):
        answer = standing.send("POST", standing.path(":predict"), broken, {"Content-Encoding": "gzip"})
        assert answer.error == (400, "JSON Parse error: The document is empty")


@case("S40", process_only=WIRE)
def test_bodies_may_come_in_chunks_and_their_content_type_does_not_matter(standing: Standing) -> None:
    pieces = json.dumps(HALF).encode()
    chunked = standing.send("POST", standing.path("/versions/1:predict"), iter([pieces[:5], pieces[5:]]))
    assert chunked.json() == {"predictions": [3.0, 3.5, 4.0]}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"):
        answer = standing.send("POST", standing.path("/versions/1:predict"), pieces, {"Content-Type": kind})
        assert answer.json() == {"predictions": [3.0, 3.5, 4.0]}


@case("S40", process_only=WIRE)
def test_one_connection_carries_many_requests(standing: Standing) -> None:
    line = f"GET {standing.path()} HTTP/1.1\r\nHost: x\r\n"
    said = standing.raw(
        (line + "\r\n").encode() * 2 + (line + "Connection: close\r\n\r\n").encode(), half_close=False, patience=10.0
    )
    assert said.count(b"HTTP/1.1 200 OK") == 3
