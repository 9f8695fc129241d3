"""The REST calls as a client sees them, byte for byte: status, metadata, Predict, Classify, Regress."""

import base64
import gzip
import json
from typing import Any

import pytest
from rest_world import Rest

pytestmark = pytest.mark.asyncio(loop_scope="session")

STATUS = """{
 "model_version_status": [
  {
   "version": "2",
   "state": "AVAILABLE",
   "status": {
    "error_code": "OK",
    "error_message": ""
   }
  },
  {
   "version": "1",
   "state": "AVAILABLE",
   "status": {
    "error_code": "OK",
    "error_message": ""
   }
  }
 ]
}
"""


# -- status and metadata ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/models/m", "/V1/MODELS/m", "/v1/models/m/labels/nonsense", "/v1/models/%6d"])
async def test_status_lists_all_versions_whatever_the_label(rest: Rest, path: str) -> None:
    assert await rest.get(path) == (200, STATUS)


async def test_status_of_one_version_is_a_list_of_one(rest: Rest) -> None:
    code, text = await rest.get("/v1/models/m/versions/01")
    assert code == 200
    assert [each["version"] for each in json.loads(text)["model_version_status"]] == ["1"]


async def test_metadata_in_capitals_means_status_as_the_pattern_ignores_case_and_the_code_behind_it_does_not(
    rest: Rest,
) -> None:
    assert await rest.get("/v1/models/m/METADATA") == (200, STATUS)


async def test_metadata_is_two_documents_in_a_frame(rest: Rest) -> None:
    code, text = await rest.get("/v1/models/m/labels/stable/metadata")
    assert code == 200
    assert text.startswith(
        '{\n"model_spec":{\n "name": "m",\n "version": "1",\n "signature_name": ""\n}\n,\n"metadata": '
        '{"signature_def": {\n "signature_def": {\n  "broken": {\n   "inputs": {\n    "x": {\n     "name": "x:0",\n'
    )
    assert text.endswith(" }\n}\n}\n}\n")
    found = json.loads(text)["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert found["inputs"]["x"] == {"name": "x:0", "dtype": "DT_FLOAT"}
    assert (found["method_name"], found["defaults"]) == ("tensorflow/serving/predict", {})


@pytest.mark.parametrize(
    ("path", "code", "text"),
    [
        ("/v1/models/nope", 404, "Could not find any versions of model nope"),
        ("/v1/models/m/versions/7", 404, "Could not find version 7 of model m"),
        ("/v1/models", 400, "Missing model name in request."),
        ("/v1/models/versions/3", 400, "Missing model name in request."),
        ("/v1/models/nope/metadata", 404, "Servable not found for request: Latest(nope)"),
        ("/v1/models/m/versions/7/metadata", 404, "Servable not found for request: Specific(m, 7)"),
        ("/v1/models/m/labels/gone/metadata", 404, "Servable not found for request: Specific(m, 9)"),
        ("/v1/models/m/labels/x/metadata", 400, "Unrecognized servable version label: x"),
        (f"/v1/models/m/versions/{2**63}", 400, f"Failed to convert version: {2**63} to numeric."),
        (f"/v1/models/m/versions/{'9' * 5000}", 400, f"Failed to convert version: {'9' * 5000} to numeric."),
        (f"/v1/models/m/versions/{2**63 - 1}", 404, f"Could not find version {2**63 - 1} of model m"),
        ("/v1/models/m%2F%3A", 404, "Could not find any versions of model m/:"),
        ("/v1/models/m?x=1", 404, "Could not find any versions of model m?x=1"),
        ("/v1/models/m/", 400, "Malformed request: GET /v1/models/m/"),
        ("/v1//models/m", 400, "Malformed request: GET /v1//models/m"),
        ("/v1/models/m/versions/", 400, "Malformed request: GET /v1/models/m/versions/"),
        ("/v1/models/m/labels/", 400, "Malformed request: GET /v1/models/m/labels/"),
        ("/v1/models/m/versions/-1", 400, "Malformed request: GET /v1/models/m/versions/-1"),
        ("/v1/models/m/version/50", 400, "Malformed request: GET /v1/models/m/version/50"),
        ("/v1/foo", 400, "Malformed request: GET /v1/foo"),
        ("/v1/models/m:predict", 400, "Malformed request: GET /v1/models/m:predict"),
    ],
)
async def test_a_look_at_what_is_not_there_is_refused_in_json(rest: Rest, path: str, code: int, text: str) -> None:
    response = await rest.send("GET", path)
    assert response.status_code == code
    assert response.headers["content-type"] == "application/json"
    assert response.text == '{\n    "error": ' + json.dumps(text) + "\n}"


async def test_a_name_that_is_no_utf8_comes_back_byte_for_byte(rest: Rest) -> None:
    response = await rest.send("GET", "/v1/models/%ff%00")
    assert response.content == b'{\n    "error": "Could not find any versions of model \xff\\u0000"\n}'


@pytest.mark.parametrize("verb", ["PUT", "DELETE", "PATCH"])
async def test_verbs_that_libevent_lets_through_are_malformed(rest: Rest, verb: str) -> None:
    response = await rest.send(verb, "/v1/models/m?q")
    assert (response.status_code, response.json()) == (400, {"error": f"Malformed request: {verb} /v1/models/m?q"})


async def test_head_is_malformed_and_has_no_body(rest: Rest) -> None:
    assert (await rest.send("HEAD", "/v1/models/m")).status_code == 400


# -- Predict ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("m:predict", {"instances": [2.0, 3, 4.5]}, '{\n    "predictions": [4.0, 4.5, 5.25\n    ]\n}'),
        ("m/versions/1:predict", {"instances": [[1], [2]]}, '{\n    "predictions": [[2.5], [3.0]\n    ]\n}'),
        ("m/labels/stable:predict", {"inputs": [2.0]}, '{\n    "outputs": [\n        3.0\n    ]\n}'),
        ("m:predict", {"inputs": {"x": 2}}, '{\n    "outputs": 4.0\n}'),
        ("m:predict", {"inputs": {"x": []}}, '{\n    "outputs": []\n}'),
        ("m:predict", {"inputs": [[], []]}, '{\n    "outputs": [\n        [],\n        []\n    ]\n}'),
        (
            "m:predict",
            {"signature_name": "two", "instances": [{"a": 1, "b": "ü\u2028"}, {"b": {"b64": "/w"}, "a": 0.1}]},
            '{\n    "predictions": [\n        {\n            "a": 1.0,\n            "b": "ü\u2028"\n        },\n'
            '        {\n            "a": 0.1,\n            "b": "\udcff"\n        }\n    ]\n}',
        ),
        (
            "m:predict",
            {"signature_name": "two", "inputs": {"a": [[1], [2]], "b": ['"\n\x1f/']}},
            '{\n    "outputs": {\n        "a": [\n            [\n                1.0\n            ],\n            [\n'
            '                2.0\n            ]\n        ],\n        "b": [\n            "\\"\\n\\u001F/"\n'
            "        ]\n    }\n}",
        ),
        (
            "m:predict",
            {"signature_name": "bytes", "instances": [["a"]]},
            '{\n    "predictions": [\n        {\n            "b": ["a"],\n            "b_bytes": [{\n'
            '                    "b64": "YQ=="\n                }]\n        }\n    ]\n}',
        ),
    ],
)
async def test_predict_answers_in_the_layout_of_the_real_server(rest: Rest, path: str, body: Any, answer: str) -> None:
    assert await rest.post(path, body) == (200, answer)


@pytest.mark.parametrize(
    ("name", "given", "answer"),
    [
        (
            "float",
            "[1e-3, -0.0, 16777215, NaN, -Infinity, Inf, 0.1]",
            "0.001 -0.0 16777215.0 NaN -Infinity Infinity 0.1",
        ),
        ("float", "[9000000, 999999, 0.00003, 555557.5, 0.333333343]", "9e+06 999999.0 3e-05 555557.5 0.333333343"),
        ("double", "[0.1, 1e300, 9007199254740991, 1e-400]", "0.1 1e+300 9007199254740991.0 0.0"),
        ("int32", "[-2147483648, 2147483647]", "-2147483648 2147483647"),
        ("int16", "[-32768, 5]", "-32768 5"),
        ("int8", "[-128, -0]", "-128 0"),
        ("uint8", "[255]", "255"),
        ("int64", "[-9223372036854775808, 9223372036854775807]", "-9223372036854775808 9223372036854775807"),
        ("uint32", "[4294967295]", "4294967295"),
        ("uint64", "[18446744073709551615]", "18446744073709551615"),
        ("bool", "[true, false]", "true false"),
        ("string", '["a\\u0000b", ""]', '"a\\u0000b" ""'),
    ],
)
async def test_every_type_goes_in_and_comes_out(rest: Rest, name: str, given: str, answer: str) -> None:
    body = f'{{"signature_name": "echo_{name}", "instances": {given}}}'.encode()
    code, text = await rest.post("m:predict", body)
    assert code == 200
    assert text.removeprefix('{\n    "predictions": [').removesuffix("\n    ]\n}").split(", ") == answer.split(" ")


@pytest.mark.parametrize(
    ("path", "body", "code", "text"),
    [
        ("m:predict", b"", 400, "JSON Parse error: The document is empty"),
        ("m:predict", b" \n", 400, "JSON Parse error: The document is empty. at offset: 2"),
        ("m:predict", b"{x", 400, "JSON Parse error: Missing a name for object member. at offset: 1"),
        ("m:predict", b'{"a":1]', 400, "JSON Parse error: Missing a comma or } after an object member. at offset: 6"),
        ("m:predict", b"[1,]", 400, "JSON Parse error: Invalid value. at offset: 3"),
        (
            "m:predict",
            b'{}x"',
            400,
            "JSON Parse error: The document root must not be followed by other values. at offset: 2",
        ),
        ("m:predict", b"[1]", 400, "JSON Value: [\n    1\n] Is not object"),
        ("m:predict", b'"\xff"', 400, 'JSON Value: "\udcff" Is not object'),
        ("m:predict", {}, 400, "Missing 'inputs' or 'instances' key"),
        ("nope:predict", {}, 404, "Servable not found for request: Latest(nope)"),
        ("nope:predict", b"", 400, "JSON Parse error: The document is empty"),
        ("m/labels/x:predict", {}, 400, "Unrecognized servable version label: x"),
        ("m/versions/7:predict", {}, 404, "Servable not found for request: Specific(m, 7)"),
        (
            "m:predict",
            {"signature_name": 5},
            400,
            "JSON Value: {\n    \"signature_name\": 5\n} not formatted correctly. 'signature_name' key must be a "
            "string value.",
        ),
        ("m:predict", {"signature_name": "q"}, 400, 'Serving signature name: "q" not found in signature def'),
        ("m:predict", {"signature_name": "nothing"}, 400, "Failed to get input map for signature: nothing"),
        (
            "m:predict",
            {"signature_name": "total", "instances": [1]},
            400,
            "Tensor name: total has no shape information ",
        ),
        (
            "m:predict",
            {"signature_name": "uneven", "instances": [1]},
            400,
            "Tensor name: y has inconsistent batch size: 1 expecting: 2",
        ),
        (
            "m:predict",
            {"signature_name": "complex", "inputs": [1]},
            400,
            "Failed to write JSON value for tensor type: complex64",
        ),
        (
            "m:predict",
            {"signature_name": "echo_half", "inputs": [1]},
            501,
            "Conversion of JSON Value: 1 to type: half",
        ),
        (
            "m:predict",
            {"signature_name": "echo_half", "instances": [1]},
            400,
            "Failed to process element: 0 of 'instances' list. Error: UNIMPLEMENTED: Conversion of JSON Value: 1 to "
            "type: half",
        ),
        ("m:predict", {"signature_name": "late", "inputs": [1]}, 504, "Timed out waiting for notification"),
        ("m:predict", {"signature_name": "broken", "inputs": [1]}, 500, "RuntimeError: a fault of ours"),
        ("m:PREDICT", {"inputs": [1]}, 400, "Malformed request: POST /v1/models/m:PREDICT"),
        ("m:predict?x", {"inputs": [1]}, 400, "Malformed request: POST /v1/models/m:predict?x"),
        ("m/metadata", {}, 400, "Malformed request: POST /v1/models/m/metadata"),
        ("m/versions/1/labels/a:predict", {}, 400, "Malformed request: POST /v1/models/m/versions/1/labels/a:predict"),
    ],
)
async def test_predict_refuses_with_code_and_words(rest: Rest, path: str, body: Any, code: int, text: str) -> None:
    assert await rest.refusal(path, body) == (code, text)


async def test_only_the_highest_version_answers_by_default(rest: Rest) -> None:
    assert [await rest.post(f"{each}:predict", {"inputs": 0}) for each in ("m", "m/versions/2", "m/versions/1")] == [
        (200, '{\n    "outputs": 3.0\n}'),
        (200, '{\n    "outputs": 3.0\n}'),
        (200, '{\n    "outputs": 2.0\n}'),
    ]


async def test_a_large_body_is_read_as_a_small_one(rest: Rest) -> None:
    code, text = await rest.post("m:predict", {"instances": [[float(number)] * 10 for number in range(5000)]})
    assert code == 200
    assert len(json.loads(text)["predictions"]) == 5000


# -- Classify and Regress ---------------------------------------------------------------------------------------------


async def test_classify_pairs_labels_and_scores(rest: Rest) -> None:
    body = {"signature_name": "classify", "examples": [{"x": [2.0]}, {"x": 0.2}]}
    assert await rest.post("m:classify", body) == (
        200,
        '{\n    "results": [[["c4", 4.0]], [["c3", 3.1]]\n    ]\n}',
    )


async def test_regress_lists_one_value_for_each_example(rest: Rest) -> None:
    body = {"signature_name": "regress", "examples": [{"x": [2.0]}, {"x": 0.2}], "context": {"q": "pizza"}}
    assert await rest.post("m/versions/1:regress", body) == (200, '{\n    "results": [3.0, 2.1]\n}')


@pytest.mark.parametrize("call", ["classify", "regress"])
@pytest.mark.parametrize(
    ("path", "body", "code", "text"),
    [
        ("m", {"signature_name": "q", "examples": [{}]}, 400, "No signature was found with the name: q"),
        ("nope", {"examples": [{}]}, 404, "Servable not found for request: Latest(nope)"),
        (
            "nope",
            {"examples": []},
            400,
            "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array",
        ),
        (
            "m",
            {},
            400,
            "JSON Value: {} When method is classify, key 'examples' is expected and was not found",
        ),
        (
            "m",
            {"examples": 1},
            400,
            "JSON Value: {\n    \"examples\": 1\n} Expecting 'examples' value to be an list/array",
        ),
    ],
)
async def test_classify_and_regress_refuse_alike(
    rest: Rest, call: str, path: str, body: Any, code: int, text: str
) -> None:
    assert await rest.refusal(f"{path}:{call}", body) == (code, text)


# -- encodings --------------------------------------------------------------------------------------------------------

PLAIN = b'{"inputs": 0}'


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate, gzip"])
async def test_gzip_bodies_are_decompressed(rest: Rest, encoding: str) -> None:
    assert (await rest.post("m:predict", gzip.compress(PLAIN), content_encoding=encoding))[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(PLAIN, id="not compressed at all"),
        pytest.param(gzip.compress(PLAIN)[:-1], id="cut short"),
        pytest.param(gzip.compress(PLAIN)[:-8] + bytes(8), id="another checksum"),
        pytest.param(gzip.compress(PLAIN) + b"x", id="more behind it"),
        pytest.param(gzip.compress(PLAIN) * 2, id="twice"),
        pytest.param(gzip.compress(b""), id="nothing"),
        pytest.param(b"\x1f\x8b", id="the mark alone"),
    ],
)
async def test_a_gzip_body_that_is_broken_counts_as_empty(rest: Rest, body: bytes) -> None:
    answer = await rest.refusal("m:predict", body, content_encoding="gzip")
    assert answer == (400, "JSON Parse error: The document is empty")


async def test_other_encodings_and_the_content_type_are_not_looked_at(rest: Rest) -> None:
    assert (await rest.post("m:predict", PLAIN, content_encoding="br", content_type="text/html"))[0] == 200
    assert (await rest.post("m:predict", PLAIN, content_encoding="GZIP"))[0] == 200


async def test_a_byte_order_mark_is_skipped_even_in_part(rest: Rest) -> None:
    for mark in (b"\xef\xbb\xbf", b"\xef", b"\xbf"):
        assert (await rest.post("m:predict", mark + PLAIN))[0] == 200
    encoded = base64.b64encode(b"\x00").decode()
    assert (await rest.post("m:predict", {"signature_name": "bytes", "inputs": {"b": [{"b64": encoded}]}}))[0] == 200
