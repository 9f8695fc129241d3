"""Loads that fail: their errors, their retries, what those hold up, and how a failed version gets another chance."""

from __future__ import annotations

import shutil
from pathlib import Path

import grpc
import pytest
from conformance_cases import ALLOW, PLAIN, case
from conformance_client import floats, spec
from conformance_exports import Export
from conformance_process import ProcessWorld
from conformance_world import POLL, World, garbage
from sample_shelf import Shelf

from reconciler.modelserver.core import OK, Code

RETRIES = ("--max_num_load_retries=2", "--load_retry_interval_micros=1000000")
RETRIES_IN_THREADS = ("--max_num_load_retries=5", "--load_retry_interval_micros=600000", "--num_load_threads=2")


@case("O67")
@pytest.mark.parametrize(("fault", "code"), [("garbage", Code.DATA_LOSS), ("empty", Code.NOT_FOUND)])
def test_a_damaged_version_ends_with_the_error_of_the_loader(world: World, fault: str, code: Code) -> None:
    m = world.model("m", 1).publish(5, fault=fault)
    world.serve(m(1))
    assert world.reload(m(1, 5)) == OK
    m.until({5: "END", 1: "AVAILABLE"})
    assert m.error(5) == Export(fault=fault).outcome(m.path(5))
    assert m.error(5).code is code


@case("O68", "C89", process_only="it is about the files of a real export")
def test_without_its_variables_a_model_loads_and_then_cannot_answer(world: ProcessWorld, shelf: Shelf) -> None:
    m = world.model("m")
    shelf.publish(Path(m.base), 1)
    shutil.rmtree(Path(m.path(1)) / "variables")
    assert world.reload(m(1)) == OK
    assert m.states() == {1: "AVAILABLE"}
    with pytest.raises(grpc.RpcError) as refused:
        world.client.predict(spec(m.name), x=floats(1.0))
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "Could not find variable" in (refused.value.details() or "")


@case("C90", process_only="the core leaves loading to its owner")
def test_a_damaged_warm_up_file_ends_the_load_and_none_is_fine(world: ProcessWorld) -> None:
    m = world.model("m", 1).publish(2)
    world.serve(m(1))
    extra = Path(m.path(2)) / "assets.extra"
    extra.mkdir()
    (extra / "tf_serving_warmup_requests").write_bytes(b"this is no record at all, of that one can be sure")
    assert world.reload(m(1, 2)) == OK
    m.until({2: "END", 1: "AVAILABLE"})
    assert m.error(2).code is Code.DATA_LOSS


@case("O72", "C49", "O92")
def test_a_failed_version_that_was_repaired_loads_after_a_poll_without_it(world: World) -> None:
    m = world.model("m", 1).publish(2, fault="garbage")
    world.serve(m(1))
    assert world.reload(m(1, 2)) == OK
    m.until({2: "END", 1: "AVAILABLE"})
    m.repair(2)
    assert world.reload(m(1, 2)) == OK
    m.stays({2: "END", 1: "AVAILABLE"}, POLL + 0.3)
    assert world.reload(m(1)) == OK
    world.settle()
    assert m.states() == {2: "END", 1: "AVAILABLE"}
    assert world.reload(m(1, 2)) == OK
    m.until({2: "AVAILABLE", 1: "AVAILABLE"})
    assert m.error(2) == OK


@case("O73", "C48", "O92")
def test_a_failed_version_dropped_and_added_within_one_poll_is_not_tried_again(world: World) -> None:
    m = world.model("m", 1).publish(2, fault="garbage")
    world.serve(m(1))
    assert world.reload(m(1, 2)) == OK
    m.until({2: "END", 1: "AVAILABLE"})
    m.repair(2)
    assert world.reload(m(1)) == OK
    assert world.reload(m(1, 2)) == OK
    m.stays({2: "END", 1: "AVAILABLE"}, POLL + 0.4)


@case("O74", flags=ALLOW)
def test_with_the_flag_a_new_label_may_point_at_a_failed_version(world: World) -> None:
    m = world.model("m", 1).publish(2, fault="garbage")
    world.serve(m(1))
    assert world.reload(m(1, 2)) == OK
    m.until({2: "END", 1: "AVAILABLE"})
    assert world.reload(m(1, 2, a=2)) == OK
    assert m.asks(label="a") == m.not_found(2)


@case("O69", "O70", "C91", flags=RETRIES)
def test_without_load_threads_retries_hold_up_every_model_and_cannot_be_cancelled(world: World) -> None:
    m, other = world.model("m", 1).publish(2, fault="garbage"), world.model("other", 1, 2)
    world.serve(m(1), other(1))
    assert world.reload(m(1, 2), other(1)) == OK
    m.until_state(2, "LOADING")
    began = world.now
    assert m.error(2) == OK
    assert world.reload(m(1), other(1, 2)) == OK
    world.until(lambda: other.states().get(2) is not None or m.states()[2] != "LOADING")
    assert m.error(2) == garbage(m, 2)
    assert world.now - began > 1.5
    other.until({2: "AVAILABLE", 1: "AVAILABLE"})


@case("O69", "O71", "C91", flags=RETRIES_IN_THREADS)
def test_with_load_threads_other_models_go_on_and_a_drop_ends_the_retries(world: World) -> None:
    m, other = world.model("m", 1).publish(2, fault="garbage"), world.model("other", 1, 2)
    world.serve(m(1), other(1))
    assert world.reload(m(1, 2), other(1)) == OK
    m.until_state(2, "LOADING")
    began = world.now
    assert world.reload(m(1), other(1, 2)) == OK
    other.until({2: "AVAILABLE", 1: "AVAILABLE"})
    m.until({2: "END", 1: "AVAILABLE"})
    assert m.error(2) == garbage(m, 2)
    assert world.now - began < 2.7


@case("C92", flags=RETRIES_IN_THREADS)
def test_a_size_that_cannot_be_estimated_holds_up_every_load_with_load_threads_too(world: World) -> None:
    m, other = world.model("m", 1), world.model("other", 1, 2)
    world.serve(m(1), other(1))
    world.write(m.path(15))
    assert world.reload(m(1, 15), other(1)) == OK
    m.until({15: "START", 1: "AVAILABLE"})
    assert world.reload(m(1, 15), other(1, 2)) == OK
    world.stays(lambda: (m.states()[15], other.states().get(2), m.asks()) == ("START", None, 1), POLL + 0.5)
    m.until({15: "END", 1: "AVAILABLE"})
    other.until({2: "AVAILABLE", 1: "AVAILABLE"})


@case("C92")
def test_the_error_of_a_size_that_cannot_be_estimated_names_the_version_and_the_cause(world: World) -> None:
    m = world.model("m", 1)
    world.serve(m(1))
    world.write(m.path(15))
    assert world.reload(m(1, 15)) == OK
    m.until({15: "END", 1: "AVAILABLE"})
    assert m.error(15).message == (
        "Error while attempting to reserve resources to load servable "
        f"{{name: {m.name} version: 15}}: {m.path(15)}; Not a directory"
    )


@case("O91", flags=PLAIN)
def test_without_load_threads_a_long_load_stretches_the_wait_of_every_model(world: World) -> None:
    m, slow = world.model("m", 1, 2), world.model("slow", 1).publish(2, seconds=2.5)
    world.serve(m(1), slow(1))
    assert world.reload(m(1), slow(1, 2)) == OK
    slow.until_state(2, "LOADING")
    assert world.reload(m(2), slow(1, 2)) == OK
    world.until(lambda: m.states() != {1: "AVAILABLE"} or slow.states()[2] != "LOADING")
    assert slow.states()[2] == "AVAILABLE"
    m.until({2: "AVAILABLE", 1: "END"})
