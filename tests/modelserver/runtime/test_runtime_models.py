"""What can be loaded and run: every element type, every way of exporting, state, time limits."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runtime_shelf import call, loaded, refused, text

from reconciler.modelserver import ctensors
from reconciler.modelserver.ctensors import DTYPES
from reconciler.wire.stubs import types_pb2

PYTHON_NAMES = {"half": "float16", "float": "float32", "double": "float64"}
NOT_IN_TENSORFLOW = {"float8_e4m3fnuz", "float8_e4m3b11fnuz", "float8_e5m2fnuz"}  # no kernel takes them


def served_types() -> list[tuple[str, np.dtype[Any]]]:
    names = {types_pb2.DataType.Name(number).removeprefix("DT_").lower(): dtype for number, dtype in DTYPES.items()}
    return [(PYTHON_NAMES.get(name, name), dtype) for name, dtype in names.items() if name not in NOT_IN_TENSORFLOW]


def samples_of(dtype: np.dtype[Any]) -> ctensors.Array:
    if dtype.hasobject:
        return text(b"", b"short", b"\xff\x00not text", b"long" * 100)
    if dtype.names:
        return np.array([0, 1, 7], dtype=dtype[0]).view(dtype)
    return np.array([0, 1, 1]).astype(dtype)


@pytest.mark.parametrize(("name", "dtype"), served_types())
def test_every_element_type_goes_in_and_comes_out(exports: Path, name: str, dtype: np.dtype[Any]) -> None:
    given = samples_of(dtype)
    with loaded(exports / "types") as saved_model:
        answer = call(saved_model, {"x": given}, signature=name)["y"]
    assert answer.dtype == given.dtype
    assert answer.tolist() == given.tolist()


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1,), (2, 3, 4)])
def test_any_shape_goes_in_and_comes_out(exports: Path, shape: tuple[int, ...]) -> None:
    numbers = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    words = np.full(shape, b"a word longer than what fits in place", dtype=object)
    with loaded(exports / "types") as saved_model:
        assert call(saved_model, {"x": numbers}, signature="float32")["y"].tolist() == numbers.tolist()
        answer = call(saved_model, {"x": words}, signature="string")["y"]
        assert (answer.shape, answer.tolist()) == (shape, words.tolist())


def test_an_array_that_is_not_contiguous_goes_in_right(exports: Path) -> None:
    transposed = np.arange(6, dtype=np.int32).reshape(2, 3).T
    with loaded(exports / "types") as saved_model:
        assert call(saved_model, {"x": transposed}, signature="int32")["y"].tolist() == transposed.tolist()


def test_keras_export_serves_under_each_of_its_signatures(exports: Path) -> None:
    with loaded(exports / "keras") as saved_model:
        (alias,) = saved_model.signatures["serving_default"].inputs
        for signature in ("serving_default", "serve"):
            answer = call(saved_model, {alias: np.ones((1, 2), np.float32)}, signature)
            assert answer["output_0"].tolist() == [[3.0, 3.0, 3.0]]


@pytest.mark.parametrize("name", ["main-op", "legacy-op"])
def test_tables_are_filled_from_assets_where_the_version_lies_now(exports: Path, name: str) -> None:
    with loaded(exports / name) as saved_model:
        assert call(saved_model, {"word": text(b"green", b"pink")})["row"].tolist() == [1, -1]


def test_partitioned_reference_variables_are_restored(exports: Path) -> None:
    with loaded(exports / "partitions") as saved_model:
        assert call(saved_model, {"x": np.ones((1, 6), np.float32)})["y"].tolist() == [[6.0]]


def test_state_lives_as_long_as_the_version_and_strings_fed_into_it_too(exports: Path) -> None:
    with loaded(exports / "counting") as saved_model:
        words = [b"a", b"b" * 100, b"c" * 10_000, b""]
        answers = [call(saved_model, {"word": np.array(word, dtype=object)}) for word in words]
    assert [int(answer["calls"]) for answer in answers] == [1, 2, 3, 4]
    assert [answer["before"].item() for answer in answers] == [b"", *words[:3]]


def test_strings_are_freed_with_the_version_that_kept_them(exports: Path) -> None:
    with loaded(exports / "counting") as saved_model:
        call(saved_model, {"word": np.array(b"kept by a variable" * 10, dtype=object)})
        assert len(ctensors._strings) == 1
    assert not ctensors._strings


def test_a_run_past_its_time_limit_ends_in_tensorflows_words(exports: Path) -> None:
    with loaded(exports / "waiting") as saved_model:
        began = time.monotonic()
        ended = refused(lambda: call(saved_model, {"x": np.float32(1)}, timeout_ms=50))
    assert ended == ("DEADLINE_EXCEEDED", "Timed out waiting for notification")
    assert time.monotonic() - began >= 0.05


def test_a_type_the_graph_does_not_take_is_refused_by_the_runtime(exports: Path) -> None:
    with loaded(exports / "1") as saved_model:
        assert refused(lambda: call(saved_model, {"x": text(b"two")})) == (
            "INVALID_ARGUMENT",
            "Expects arg[0] to be float but string is provided",
        )


def test_a_shape_that_is_not_the_signatures_runs_if_the_graph_can(exports: Path) -> None:
    with loaded(exports / "1") as saved_model:
        assert call(saved_model, {"x": np.array([2, 4], np.float32)})["y"].tolist() == [3.0, 4.0]


def test_closing_twice_is_closing_once(exports: Path) -> None:
    with loaded(exports / "1") as saved_model:
        saved_model.close()
