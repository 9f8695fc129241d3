"""The parts of the server that need no process: flags, paths, tensors, JSON, configurations, samples."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from sample_shelf import Shelf

from reconciler.modelserver import configs, samples, tensors
from reconciler.modelserver.core import All, Latest, ServerConfig, Specific
from reconciler.modelserver.statuses import cut
from reconciler.wire import stubs

FLOAT, STRING, INT64, HALF = (getattr(stubs.types_pb2, f"DT_{name}") for name in ("FLOAT", "STRING", "INT64", "HALF"))


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
        pytest.param(
            tensor(STRING, 1, tensor_content=b"a"), "does not fit its lengths", id="strings that miss their lengths"
        ),
        pytest.param(tensor(0, 1), "cannot be read", id="no type"),
    ],
)
def test_a_tensor_that_fits_nothing_is_an_error(proto: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        tensors.to_array(proto)


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
        ("a", "file:///a", "", Specific((3, 4))),
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


def test_texts_are_cut_at_a_number_of_bytes_even_inside_a_character() -> None:
    assert cut("ü" * 512) == "ü" * 512
    assert cut("x" + "ü" * 512) == "x" + "ü" * 511 + "\ufffd...TRUNCATED"


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
