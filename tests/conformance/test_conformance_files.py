"""Version directories that are not what they should be: each ends with its error, and the models beside it do not care.

All of them are configured in one reload, next to the standing models. Sources: session_bundle_util.cc,
saved_model_bundle_factory.cc, saved_model_warmup_util.cc, servables/tensorflow/util.cc (the size estimate) and
TensorFlow's loader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conformance_cases import case
from conformance_client import floats, spec
from conformance_exports import Export
from conformance_graphs import CLASSIFY, plus, variable
from conformance_records import DATA, WARM_UP, checkpoint, predict_log, records
from conformance_standing import WIRE, Files, Standing, lay_down, tensor
from conformance_world import Model

from reconciler.modelserver.core import OK, Code, Latest, Status
from reconciler.wire import stubs

pytestmark = pytest.mark.serving
MODEL = variable() | checkpoint("v", 5.0)
INDEX = "variables/variables.index"


def only(files: Files) -> Callable[[Path], None]:
    """A version directory with these files."""
    return lambda path: lay_down(path, files)


def without(*names: str) -> Callable[[Path], None]:
    """A good version without some of its files."""
    return only({name: content for name, content in MODEL.items() if name not in names})


def changed(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """A good version with one file changed."""
    return only({**MODEL, name: change(MODEL[name])})


def linked(name: str, target: str) -> Callable[[Path], None]:
    """A good version with a link in it."""

    def make(path: Path) -> None:
        lay_down(path, {each: content for each, content in MODEL.items() if each != name})
        (path / name).symlink_to(target)

    return make


def warmed_up(*logs: bytes, cut: int = 0) -> Callable[[Path], None]:
    """half_plus_two with warm-up records."""
    content = records(logs)
    return only({**plus(1), WARM_UP: content[: len(content) - cut]})


def log(signature: str = "", dtype: str = "float") -> bytes:
    """A warm-up record: Predict of 2."""
    column = floats(2.0) if dtype == "float" else tensor(dtype, [1])
    request = stubs.predict_pb2.PredictRequest(model_spec=spec("any", signature=signature), inputs={"x": column})
    return predict_log(request)


def other_logs() -> list[bytes]:
    """Classify, Regress and MultiInference of one example, and a log of no kind."""
    logs = [stubs.prediction_log_pb2.PredictionLog() for _ in range(4)]
    requests = [logs[0].classify_log.request, logs[1].regress_log.request, logs[2].multi_inference_log.request]
    for request, verb in zip(requests, ("classify", "regress", "classify"), strict=True):
        request.input.example_list.examples.add().features.feature["x"].float_list.value.append(2.0)
        model_spec = (
            request.tasks.add(method_name=CLASSIFY).model_spec if request is requests[2] else request.model_spec
        )
        model_spec.CopyFrom(spec("any", signature=f"{verb}_x_to_y"))
    return [each.SerializeToString() for each in logs]


def session_run() -> bytes:
    """A warm-up record of a kind nobody can replay."""
    message = stubs.prediction_log_pb2.PredictionLog()
    message.session_run_log.SetInParent()
    return bytes(message.SerializeToString())


def text_form() -> Files:
    """The same model as text."""
    from google.protobuf import text_format

    message = stubs.saved_model_pb2.SavedModel.FromString(plus(1)["saved_model.pb"])
    return {"saved_model.pbtxt": text_format.MessageToString(message).encode()}


NO_MODEL = (
    "Specified file path does not appear to contain a SavedModel bundle (should have a file called "
    "`saved_model.pb`)\nSpecified file path: {path}"
)
NO_GRAPH = (
    "Could not find meta graph def matching supplied tags: {{ serve }}. To inspect available tag-sets in the "
    "SavedModel, please use the SavedModel CLI: `saved_model_cli`"
)
NO_PROTO = "Can't parse {path}/saved_model.pb as binary proto"
CUT = "Read less bytes than requested"
NO_SIZE = "Error while attempting to reserve resources to load servable {{name: {name} version: 1}}: "
NO_RECORDS = "{path}/" + WARM_UP


@dataclass(frozen=True, slots=True)
class Bad:
    """A version directory and how it ends: code, and what the text begins with and contains (None: anything)."""

    make: Callable[[Path], None]
    code: Code | None
    begins: str = ""
    contains: str = ""


BAD: dict[str, Bad] = {
    "nothing": Bad(lambda path: path.mkdir(parents=True), Code.NOT_FOUND, NO_MODEL),
    "notes": Bad(only({"README": b"no model", "saved_model.pb.part": b""}), Code.NOT_FOUND, NO_MODEL),
    "garbage": Bad(only({"saved_model.pb": b"\xff" * 64}), Code.DATA_LOSS, NO_PROTO),
    "cut": Bad(changed("saved_model.pb", lambda content: content[: len(content) // 2]), Code.OUT_OF_RANGE, CUT),
    "zero": Bad(changed("saved_model.pb", lambda _: b""), Code.NOT_FOUND, NO_GRAPH),
    "other_tags": Bad(only(variable(["train"])), Code.NOT_FOUND, NO_GRAPH),
    "more_tags": Bad(only(variable(["serve", "gpu"])), Code.NOT_FOUND, NO_GRAPH),
    "bundle": Bad(only({"export.meta": b"", "export-00000-of-00001": b""}), Code.UNIMPLEMENTED, "Session Bundle is "),
    "directory": Bad(lambda path: (path / "saved_model.pb").mkdir(parents=True), None),
    "cut_data": Bad(changed(DATA, lambda _: b"\0"), Code.OUT_OF_RANGE, "", "Read less bytes than requested"),
    "other_data": Bad(changed(DATA, lambda _: b"abcd"), Code.DATA_LOSS, "", "Checksum does not match"),
    "no_data": Bad(without(DATA), Code.NOT_FOUND, "", "variables.data-00000-of-00001; No such file or directory"),
    "other_index": Bad(changed(INDEX, lambda _: b"x" * 100), Code.DATA_LOSS, "", "not an sstable (bad magic number)"),
    "other_name": Bad(only(variable() | checkpoint("w", 5.0)), Code.NOT_FOUND, "", "Key v not found in checkpoint"),
    "file": Bad(lambda path: lay_down(path.parent, {"1": b""}), Code.INTERNAL, NO_SIZE + "{path}; Not a dir"),
    "itself": Bad(lambda path: _link(path, path.name), Code.INTERNAL, NO_SIZE + "{path} not found"),
    "dangling": Bad(lambda path: _link(path, "nowhere"), Code.INTERNAL, NO_SIZE + "{path} not found"),
    "loop": Bad(
        linked("loop", "."), Code.INTERNAL, NO_SIZE + "{path}/loop/loop/loop/", "; Too many levels of symbolic links"
    ),
    "dangling_file": Bad(
        linked("asset", "nowhere"), Code.INTERNAL, NO_SIZE + "{path}/asset; No such file or directory"
    ),
    "warm_signature": Bad(warmed_up(log("nope")), Code.FAILED_PRECONDITION, 'Serving signature key "nope" not found.'),
    "warm_type": Bad(
        warmed_up(log(), log(dtype="double")),
        Code.INVALID_ARGUMENT,
        "Expects arg[0] to be float but double is provided",
    ),
    "warm_garbage": Bad(only({**plus(1), WARM_UP: b"no records " * 10}), Code.DATA_LOSS, "", "in TFRecord format."),
    "warm_cut": Bad(warmed_up(log(), log(), cut=3), Code.DATA_LOSS, "", "in TFRecord format."),
    "warm_noise": Bad(
        warmed_up(b"malformed_record"),
        Code.INVALID_ARGUMENT,
        "Failed to parse warmup record: malformed_record from " + NO_RECORDS,
    ),
    "warm_kind": Bad(warmed_up(session_run()), Code.UNIMPLEMENTED, "Unsupported log_type for warmup: "),
    "warm_many": Bad(
        warmed_up(*[log()] * 1001),
        Code.INVALID_ARGUMENT,
        "Number of warmup records exceeds the maximum (1000) at " + NO_RECORDS,
    ),
}
GOOD: dict[str, Callable[[Path], None]] = {
    "whole": only(MODEL),
    "text": only(text_form()),
    "no_index": without(INDEX),
    "linked": lambda path: _elsewhere(path, MODEL),
    "linked_file": linked("asset", "saved_model.pb"),
    "strangers": only({**MODEL, "assets/x.txt": b"x", "keras_metadata.pb": b"\xff", "variables/lost+found/x": b""}),
    "warm": warmed_up(log(), *other_logs()),
    "warm_empty": warmed_up(),
    "warm_most": warmed_up(*[log()] * 1000),
}


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def _elsewhere(path: Path, files: Files) -> None:
    lay_down(path.parent / "somewhere else", files)
    path.symlink_to("somewhere else")


@dataclass(slots=True)
class Shelf:
    """The models of this file on the server."""

    standing: Standing
    answer: Status = OK
    models: dict[str, Model] = field(default_factory=dict)

    def put(self, name: str, make: Callable[[Path], None]) -> None:
        """Lay a model's version 1 down."""
        model = Model(self.standing.world, f"{name}_{self.standing.name('plus')}")
        make(Path(model.path(1)))
        Path(model.base).mkdir(parents=True, exist_ok=True)
        self.models[name] = model


@pytest.fixture(scope="module")
def shelf(standing_server: Standing) -> Iterator[Shelf]:
    """All of them, tried in one reload; afterwards only the standing models are left."""
    shelf = Shelf(standing_server)
    for name, bad in BAD.items():
        shelf.put(name, bad.make)
    for name, make in GOOD.items():
        shelf.put(name, make)
    tried = [model.entry(Latest()) for model in shelf.models.values()]
    shelf.answer = standing_server.world.reload(*standing_server.configs, *tried, within=60.0)
    yield shelf
    assert standing_server.world.reload(*standing_server.configs) == OK


@case("C27", "O67", "O94", "S113", process_only=WIRE)
def test_a_reload_with_good_and_bad_models_names_the_bad_ones(standing: Standing, shelf: Shelf) -> None:
    assert shelf.answer.code is Code.UNKNOWN
    assert shelf.answer.message.startswith(f"{len(BAD)} model(s) did not become available: {{{{{{name: ")
    assert standing.refused(spec(shelf.models["cut"].name), x=floats(1.0)) == shelf.models["cut"].not_found()


@case("S107", "S108", "S109", "S111", "C90", "O67", process_only=WIRE)
@pytest.mark.parametrize("name", BAD)
def test_a_bad_version_ends_with_its_error(standing: Standing, shelf: Shelf, name: str) -> None:
    model, bad = shelf.models[name], BAD[name]
    assert model.states() == {1: "END"}
    error = model.error(1)
    assert bad.code is None or error.code is bad.code, error
    assert not error.ok
    assert error.message.startswith(bad.begins.format(path=model.path(1), name=model.name))
    assert bad.contains in error.message


@case("S110", "S113", "C90", process_only=WIRE)
@pytest.mark.parametrize("name", GOOD)
def test_a_version_that_only_looks_odd_is_available(standing: Standing, shelf: Shelf, name: str) -> None:
    assert shelf.models[name].states() == {1: "AVAILABLE"}
    assert shelf.models[name].error(1) == OK


@case("S14", "S108", "C89", process_only=WIRE)
def test_without_its_index_nothing_is_restored(standing: Standing, shelf: Shelf) -> None:
    column = tensor("float", [1], float_val=[2.0])
    refused = standing.refused(spec(shelf.models["no_index"].name), x=column)
    assert refused.startswith("FAILED_PRECONDITION: Could not find variable v. ")
    whole = standing.predict(spec(shelf.models["whole"].name), x=column)
    assert list(whole.outputs["y"].float_val) == [7.0]


@case("S113", "O45", process_only=WIRE)
def test_stray_names_beside_versions_are_nobodys_business(standing: Standing, shelf: Shelf) -> None:
    base = Path(shelf.models["whole"].base)
    for name in ("latest", "2.tmp", ".3", "４"):
        lay_down(base / name, Export(9).files())
    standing.world.settle()
    assert shelf.models["whole"].states() == {1: "AVAILABLE"}
