"""Version directories that cannot be loaded, or cannot be used: the codes and words of the C++ loader."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from google.protobuf import text_format
from runtime_shelf import Copy, call, copied, refused

from reconciler.modelserver import capi
from reconciler.modelserver.savedmodel import SessionSettings

X = {"x": np.ones((1, 1), np.float32)}
RESTORING = "\n\t [[{{function_node __inference__traced_restore_"
NO_TAGS = (
    "Could not find meta graph def matching supplied tags: {{ {} }}. To inspect available tag-sets in the SavedModel, "
    "please use the SavedModel CLI: `saved_model_cli`"
)
NO_BUNDLE = (
    "Specified file path does not appear to contain a SavedModel bundle (should have a file called "
    "`saved_model.pb`)\nSpecified file path: {path}"
)


@pytest.fixture
def copy(exports: Path, tmp_path: Path) -> Copy:
    """A half-plus of the test's own."""
    return copied(exports / "1", tmp_path / "7")


def empty(copy: Copy) -> None:
    shutil.rmtree(copy.path)
    copy.path.mkdir()


def text_that_is_none(copy: Copy) -> None:
    copy.graph.unlink()
    copy.graph.with_suffix(".pbtxt").write_text("x{")


def a_loop(copy: Copy) -> None:
    copy.graph.unlink()
    copy.graph.symlink_to(copy.graph)


def a_directory(copy: Copy) -> None:
    copy.graph.unlink()
    copy.graph.mkdir()


def an_export_of_old(copy: Copy) -> None:
    (copy.path / "export.meta").touch()


@pytest.mark.parametrize(
    ("damage", "code", "said"),
    [
        pytest.param(empty, "NOT_FOUND", NO_BUNDLE, id="nothing in it"),
        pytest.param(lambda copy: shutil.rmtree(copy.path), "NOT_FOUND", NO_BUNDLE, id="removed before the load"),
        pytest.param(a_loop, "NOT_FOUND", NO_BUNDLE, id="a link to itself"),
        pytest.param(an_export_of_old, "UNIMPLEMENTED", "Session Bundle is deprecated and removed.", id="export.meta"),
        pytest.param(
            lambda copy: copy.graph.write_bytes(b"\xff" * 64),
            "DATA_LOSS",
            "Can't parse {path}/saved_model.pb as binary proto",
            id="garbage",
        ),
        pytest.param(
            lambda copy: copy.graph.write_bytes(copy.graph.read_bytes()[:1000]),
            "OUT_OF_RANGE",
            "Read less bytes than requested",
            id="cut off",
        ),
        pytest.param(text_that_is_none, "OUT_OF_RANGE", "Read less bytes than requested", id="text that is none"),
        pytest.param(lambda copy: copy.graph.write_bytes(b""), "NOT_FOUND", NO_TAGS.format("serve"), id="no bytes"),
        pytest.param(a_directory, "NOT_FOUND", NO_TAGS.format("serve"), id="a directory in its place"),
    ],
)
def test_a_graph_that_cannot_be_read_fails_the_load(
    copy: Copy, damage: Callable[[Copy], None], code: str, said: str
) -> None:
    damage(copy)
    assert refused(copy.load) == (code, said.replace("{path}", str(copy.path)))


@pytest.mark.parametrize(
    ("damage", "code", "said"),
    [
        pytest.param(
            lambda copy: copy.data.unlink(),
            "NOT_FOUND",
            "{path}/variables/variables.data-00000-of-00001; No such file or directory",
            id="no shard, or removed while it loads",
        ),
        pytest.param(
            lambda copy: copy.data.write_bytes(copy.data.read_bytes()[:2]),
            "OUT_OF_RANGE",
            "Read less bytes than requested",
            id="shard cut off",
        ),
        pytest.param(
            lambda copy: copy.index.write_bytes(copy.index.read_bytes()[:20]),
            "DATA_LOSS",
            "file is too short to be an sstable",
            id="index cut off",
        ),
        pytest.param(
            lambda copy: copy.index.write_bytes(bytes(range(256)) * 2),
            "DATA_LOSS",
            "not an sstable (bad magic number)",
            id="index of garbage",
        ),
    ],
)
def test_variables_that_cannot_be_restored_fail_the_load(
    copy: Copy, damage: Callable[[Copy], None], code: str, said: str
) -> None:
    damage(copy)
    failed, text = refused(copy.load)
    assert (failed, text.partition(RESTORING)[0]) == (code, said.replace("{path}", str(copy.path)))
    assert RESTORING in text


@pytest.mark.parametrize("missing", ["variables", "variables/variables.index"])
def test_without_variables_a_version_loads_and_every_call_fails(copy: Copy, missing: str) -> None:
    gone = copy.path / missing
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    saved_model = copy.load()
    code, said = refused(lambda: call(saved_model, X))
    saved_model.close()
    assert code == "FAILED_PRECONDITION"
    assert said.startswith("Could not find variable ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_graph_nobody_may_read_fails_the_load(copy: Copy) -> None:
    copy.graph.chmod(0)
    assert refused(copy.load) == ("PERMISSION_DENIED", f"{copy.graph}; Permission denied")


def test_tags_must_be_exactly_those_of_the_graph(copy: Copy) -> None:
    assert refused(lambda: copy.load(SessionSettings(frozenset({"train"})))) == ("NOT_FOUND", NO_TAGS.format("train"))
    copy.edit(lambda graph: graph.meta_info_def.tags.append("gpu"))
    assert refused(copy.load) == ("NOT_FOUND", NO_TAGS.format("serve"))
    copy.load(SessionSettings(frozenset({"serve", "gpu"}))).close()


def test_a_graph_in_text_form_loads(copy: Copy) -> None:
    copy.graph.with_suffix(".pbtxt").write_text(text_format.MessageToString(copy.message()))
    copy.graph.unlink()
    saved_model = copy.load()
    assert call(saved_model, X)["y"].tolist() == [[2.5]]
    saved_model.close()


def in_the_graph(graph: Any) -> None:
    graph.graph_def.node.add(name="q", op="NoSuchOp")


def in_a_function(graph: Any) -> None:
    graph.graph_def.library.function[0].node_def.add(name="q", op="NoSuchOp")


@pytest.mark.parametrize("where", [in_the_graph, in_a_function])
def test_an_operation_this_tensorflow_does_not_have_fails_the_load(copy: Copy, where: Callable[[Any], None]) -> None:
    copy.edit(where)
    code, said = refused(copy.load)
    assert code == "NOT_FOUND"
    assert said.startswith(f"Op type not registered 'NoSuchOp' in binary running on {os.uname().nodename}. Make sure")


def pin(graph: Any) -> None:
    for node in graph.graph_def.node:
        node.device = "/device:GPU:7"


def test_a_graph_pinned_to_a_device_that_is_not_there_fails_the_load(copy: Copy) -> None:
    copy.edit(pin)
    code, said = refused(copy.load)
    assert code == "INVALID_ARGUMENT"
    assert said.startswith("Cannot assign a device for operation ")


def test_an_initialisation_that_fails_fails_the_load(exports: Path) -> None:
    code, said = refused(Copy(exports / "failing").load)
    assert code == "INVALID_ARGUMENT"
    assert said == "assertion failed: [this model does not start]\n\t [[{{node refuses/Assert}}]]"


def feed(graph: Any, name: str) -> None:
    graph.signature_def["serving_default"].inputs["x"].name = name


def fetch(graph: Any, name: str) -> None:
    graph.signature_def["serving_default"].outputs["y"].name = name


@pytest.mark.parametrize(
    ("point", "name", "code", "said"),
    [
        (feed, "nobody:0", "NOT_FOUND", "FeedInputs: unable to find feed output nobody:0"),
        (feed, "nobody", "NOT_FOUND", "FeedInputs: unable to find feed output nobody"),
        (
            feed,
            "serving_default_x:3",
            "INVALID_ARGUMENT",
            "FeedInputs: serving_default_x:3 should have output index < 1",
        ),
        (fetch, "nobody:0", "NOT_FOUND", "FetchOutputs node nobody:0: not found"),
        (fetch, "b:3", "INVALID_ARGUMENT", "FetchOutputs b:3: output index too large, must be < 1"),
    ],
)
def test_a_signature_that_points_at_nothing_fails_when_it_is_called(
    copy: Copy, point: Callable[[Any, str], None], name: str, code: str, said: str
) -> None:
    copy.edit(lambda graph: point(graph, name))
    saved_model = copy.load()
    assert refused(lambda: call(saved_model, X)) == (code, said)
    saved_model.close()


def test_a_tensorflow_without_the_functions_needed_says_which() -> None:
    another = Path(ml_dtypes._ml_dtypes_ext.__file__)
    with pytest.raises(capi.UnusableError, match=r"has no TF_NewStatus; this server needs tensorflow>=2\.18"):
        capi.open_library(another)


def test_a_library_that_is_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "libtensorflow_cc.so.2").write_bytes(b"no library")
    with pytest.raises(capi.UnusableError, match="TensorFlow's library cannot be loaded: "):
        capi.open_library(tmp_path / "libtensorflow_cc.so.2")
