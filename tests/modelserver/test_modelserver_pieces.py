"""The parts of the server that need no process: flags, paths, tensors, JSON, configurations, samples."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from sample_shelf import Shelf

from reconciler.modelserver import configs, restjson, restpaths, samples, tensors
from reconciler.modelserver.core import All, Latest, ServerConfig, Specific
from reconciler.modelserver.statuses import StatusError, cut
from reconciler.wire import stubs

FLOAT, STRING, INT64, HALF = (getattr(stubs.types_pb2, f"DT_{name}") for name in ("FLOAT", "STRING", "INT64", "HALF"))


# -- paths ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "path", "call"),
    [
        ("GET", "/v1/models/m", ("status", "m", None, None)),
        ("GET", "/v1/models/m/versions/3", ("status", "m", 3, None)),
        ("GET", "/v1/models/m/labels/a%2Fb/metadata", ("metadata", "m", None, "a/b")),
        ("POST", "/V1/MODELS/m%20n/versions/007:predict", ("predict", "m n", 7, None)),
        ("POST", "/v1/models/m/labels/stable:classify", ("classify", "m", None, "stable")),
        ("GET", "/v1/models/m?x=1", ("status", "m?x=1", None, None)),
    ],
)
def test_a_path_is_understood(verb: str, path: str, call: tuple[Any, ...]) -> None:
    assert restpaths.understand(verb, path) == restpaths.RestCall(*call)


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/v1/models/m/"),
        ("GET", "/v1/models/m/version/50"),
        ("POST", "/v1/models/m/metadata"),
        ("HEAD", "/v1/models/m"),
        ("POST", "/v1/models/m:predict?x=1"),
        ("POST", "/v1/models/m/versions/-1:predict"),
        ("POST", "/v1/models/m/versions/1/labels/a:predict"),
    ],
)
def test_any_other_path_is_malformed(verb: str, path: str) -> None:
    with pytest.raises(StatusError, match="Malformed request: ") as refused:
        restpaths.understand(verb, path)
    assert refused.value.status.message == f"Malformed request: {verb} {path}"


# -- tensors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", sorted(tensors.ELEMENT_TYPES))
def test_every_element_type_survives_the_way_there_and_back(number: int) -> None:
    kind = tensors.ELEMENT_TYPES[number]
    values = [b"a", b"", b"\xff"] if kind.is_string else [0, 1, 1]
    array = np.array([values], dtype=kind.dtype)
    proto = tensors.to_proto(array)
    assert not proto.tensor_content
    assert proto.dtype == number
    assert np.array_equal(tensors.to_array(proto), array)


def tensor(dtype: int, *shape: int, **fields: Any) -> Any:
    proto = stubs.tensor_pb2.TensorProto(dtype=dtype, **fields)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


@pytest.mark.parametrize(
    ("proto", "expected"),
    [
        pytest.param(tensor(FLOAT, 2, float_val=[1, 2, 3]), [1, 2], id="too many values are ignored"),
        pytest.param(tensor(FLOAT, 3, float_val=[1, 2]), [1, 2, 2], id="the last value fills up"),
        pytest.param(tensor(FLOAT, 2), [0, 0], id="no value is zero"),
        pytest.param(tensor(FLOAT, float_val=[7]), 7, id="no shape is a scalar"),
        pytest.param(tensor(INT64, 2, tensor_content=np.arange(2).tobytes()), [0, 1], id="raw bytes"),
        pytest.param(tensor(STRING, 2, string_val=[b"a"]), [b"a", b"a"], id="strings fill up too"),
        pytest.param(tensor(HALF, 1, half_val=[0x3C00]), [1], id="half floats are bits"),
    ],
)
def test_a_tensor_is_filled_up_as_in_cpp(proto: Any, expected: Any) -> None:
    assert tensors.to_array(proto).tolist() == expected


@pytest.mark.parametrize(
    ("proto", "text"),
    [
        pytest.param(tensor(FLOAT, 2, tensor_content=b"123"), "does not fit", id="half a float"),
        pytest.param(tensor(FLOAT, 2, tensor_content=b"1234"), "does not fit", id="one of two floats"),
        pytest.param(tensor(FLOAT, -1, float_val=[1]), "negative", id="unknown dimension"),
        pytest.param(tensor(STRING, 1, tensor_content=b"a"), "does not fit its lengths", id="strings that miss their lengths"),
        pytest.param(tensor(0, 1), "cannot be read", id="no type"),
    ],
)
def test_a_tensor_that_fits_nothing_is_an_error(proto: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        tensors.to_array(proto)


# -- REST bodies ------------------------------------------------------------------------------------------------------


def info(**dtypes: int) -> dict[str, Any]:
    return {alias: stubs.meta_graph_pb2.TensorInfo(dtype=dtype) for alias, dtype in dtypes.items()}


def filled(document: Any, **dtypes: int) -> dict[str, Any]:
    request = restjson.request(restjson.parse(json.dumps(document).encode()), info(**dtypes))
    return {alias: tensors.to_array(proto).tolist() for alias, proto in request.inputs.items()}


@pytest.mark.parametrize(
    ("document", "dtypes", "expected"),
    [
        ({"instances": [1.5, 2]}, {"x": FLOAT}, {"x": [1.5, 2.0]}),
        ({"instances": [{"x": [1]}, {"x": [2]}]}, {"x": INT64}, {"x": [[1], [2]]}),
        ({"instances": [{"b64": "YQ=="}]}, {"x": STRING}, {"x": [b"a"]}),
        ({"instances": [{"x": 1.0, "s": "a"}]}, {"x": FLOAT, "s": STRING}, {"x": [1.0], "s": [b"a"]}),
        ({"inputs": 3.0}, {"x": FLOAT}, {"x": 3.0}),
        ({"inputs": {"x": [[]], "s": []}}, {"x": FLOAT, "s": STRING}, {"x": [[]], "s": []}),
        ({"inputs": [0.5]}, {"x": HALF}, {"x": [0.5]}),
    ],
)
def test_a_body_fills_the_tensors_of_a_signature(
    document: Any, dtypes: dict[str, int], expected: dict[str, Any]
) -> None:
    assert filled(document, **dtypes) == expected


@pytest.mark.parametrize(
    ("document", "dtypes", "text"),
    [
        ({"instances": 1}, {"x": FLOAT}, "Excepting 'instances' to be an list/array"),
        ({"instances": []}, {"x": FLOAT}, "No values in 'instances' array"),
        ({"instances": [[1], [1, 2]]}, {"x": FLOAT}, "Expecting tensor size: 1 but got: 2"),
        ({"instances": [[[1, 2]], [[1], [2]]]}, {"x": FLOAT}, "Expecting shape [1,2] but got: [2,1]"),
        ({"instances": [{"x": 1}, 2]}, {"x": FLOAT}, "Expecting object but got list at item 1 of input list"),
        ({"instances": [1, {"x": 1}]}, {"x": FLOAT}, "Expecting value/list but got object at item 1 of input list"),
        ({"instances": [{"z": 1}]}, {"x": FLOAT}, "JSON object: does not have named input: z"),
        ({"instances": [{}]}, {"x": FLOAT}, "keys must be equal to: x"),
        (
            {"inputs": [[1, 2], [3]]},
            {"x": FLOAT},
            "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
        ),
        ({"inputs": [1, [2]]}, {"x": FLOAT}, "Encountered list at unexpected level: 1 expected < 1"),
        ({"inputs": [1.5]}, {"x": INT64}, "JSON Value: 1.5 Type: Number is not of expected type: int64"),
        ({"inputs": [True]}, {"x": FLOAT}, "Type: True is not of expected type: float"),
        ({"inputs": [None]}, {"x": STRING}, "Type: Null is not of expected type: string"),
        ({"inputs": [16777217]}, {"x": FLOAT}, "Cannot convert JSON value: 16777217 to float without loss"),
        ({"inputs": [{"b64": "?"}]}, {"x": STRING}, "Unable to base64 decode"),
        ({"inputs": [{"b64": 1}]}, {"x": STRING}, "not formatted correctly for base64 data"),
    ],
)
def test_a_body_that_does_not_fit_is_refused(document: Any, dtypes: dict[str, int], text: str) -> None:
    with pytest.raises(StatusError) as refused:
        filled(document, **dtypes)
    assert text in refused.value.status.message


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([0.1, 1, 1 / 3, 1e10], np.float32), "[0.1, 1.0, 0.333333343, 1e+10]"),
        (np.array([0.1, np.nan, -np.inf], np.float64), "[0.1, NaN, -Infinity]"),
        (np.array([[1], [2]], np.int64), "[[1], [2]]"),
        (np.array([b'a"', "ü".encode()], object), '["a\\"", "ü"]'),
        (np.array([True, False]), "[true, false]"),
    ],
)
def test_numbers_are_written_as_short_as_their_type_allows(array: Any, expected: str) -> None:
    body = restjson.response({"y": tensors.to_proto(array)}, rows=False)
    assert body.decode() == f'{{\n    "outputs": {expected}\n}}'


def test_outputs_named_bytes_are_base64() -> None:
    body = restjson.response({"y_bytes": tensors.to_proto(np.array([b"\xff"], object))}, rows=True)
    assert json.loads(body) == {"predictions": [{"b64": "/w=="}]}


def test_rows_of_different_number_cannot_be_written() -> None:
    outputs = {name: tensors.to_proto(np.zeros(size, np.float32)) for name, size in (("a", 1), ("b", 2))}
    with pytest.raises(StatusError, match="Tensor name: b has inconsistent batch size: 2 expecting: 1"):
        restjson.response(outputs, rows=True)


# -- the rest ---------------------------------------------------------------------------------------------------------


def test_a_config_file_keeps_policies_labels_and_what_is_unset(tmp_path: Path) -> None:
    path = tmp_path / "models.config"
    path.write_text(
        """model_config_list {
          config { name: "a" base_path: "file:///a" model_version_policy { specific { versions: [3, 4] } }
                   version_labels { key: "s" value: 3 } version_labels { key: "s" value: 4 } }
          config { name: "b" base_path: "/b" model_platform: "tensorflow" model_version_policy { all {} } }
          config { name: "c" base_path: "/c" model_version_policy { latest { num_versions: 2 } } logging_config {} }
          config { name: "d" base_path: "/d" model_type: TENSORFLOW } }"""
    )
    models = configs.read_file(str(path)).models
    assert models is not None
    assert [(each.name, each.base_path, each.platform, each.policy) for each in models] == [
        ("a", "/a", "", Specific((3, 4))),
        ("b", "/b", "tensorflow", All()),
        ("c", "/c", "", Latest(2)),
        ("d", "/d", "", None),
    ]
    assert (models[0].labels, models[2].logging, models[3].model_type) == ((("s", 4),), True, 1)


def test_an_unset_list_is_not_an_empty_list() -> None:
    message = stubs.model_server_config_pb2.ModelServerConfig
    assert configs.from_proto(message()) == ServerConfig(None)
    assert configs.from_proto(text_format.Parse("model_config_list {}", message())) == ServerConfig(())


def test_only_texts_above_the_limit_are_cut() -> None:
    assert cut("x" * 1024) == "x" * 1024
    assert len(cut("x" * 1025)) == 1036


@pytest.mark.parametrize("kind", samples.KINDS)
def test_the_answer_of_a_sample_tells_its_version(kind: str) -> None:
    inputs = samples.request_for(kind)
    for version in (1, 2, 11, 12):
        outputs = samples.answer_of(kind, version, inputs)
        assert [other for other in range(1, 20) if samples.tells(kind, other, inputs, outputs)] == [version]


def test_a_published_version_appears_under_its_number_alone(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish(tmp_path, 7)
    assert [path.name for path in tmp_path.iterdir()] == ["7"]
    assert (tmp_path / "7" / "variables" / "variables.index").exists()


def test_an_unknown_kind_of_sample_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="half-plus, classifier, ranker"):
        samples.export("oracle", tmp_path, 1)
