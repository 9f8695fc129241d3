"""Batching without TensorFlow: which requests share a run, which are refused, what each gets back."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from reconciler.modelserver import batchparameters, batchtensors
from reconciler.modelserver.batching import BatchedModel, Scheduler
from reconciler.modelserver.batchparameters import BatchingParameters
from reconciler.modelserver.batchqueue import BatchQueue
from reconciler.modelserver.savedmodel import SavedModel
from reconciler.modelserver.statuses import Code, Status, StatusError
from reconciler.modelserver.telemetry import Telemetry

# -- the queue --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rows:
    size: int
    name: str = ""


def queue(*tasks: Rows, now: float = 0.0, **parameters: Any) -> BatchQueue[Rows]:
    made: BatchQueue[Rows] = BatchQueue(BatchingParameters(**parameters))
    for task in tasks:
        made.add([task], now)
    return made


def test_without_patience_a_batch_leaves_with_all_that_waits() -> None:
    waiting = queue(Rows(1, "a"), Rows(2, "b"))
    assert waiting.take(0.0) == [Rows(1, "a"), Rows(2, "b")]
    assert waiting.take(0.0) is None


def test_a_batch_waits_for_its_timeout_from_its_first_request_on() -> None:
    waiting = queue(Rows(1), now=5.0, batch_timeout_micros=2_000_000)
    waiting.add([Rows(1)], 6.0)
    assert waiting.due() == 7.0
    assert waiting.take(6.9) is None
    assert waiting.take(7.0) == [Rows(1), Rows(1)]


def test_a_full_batch_does_not_wait() -> None:
    assert queue(Rows(2), Rows(2), max_batch_size=4, batch_timeout_micros=10**9).take(0.0) == [Rows(2), Rows(2)]


def test_what_does_not_fit_closes_the_batch_before_it() -> None:
    waiting = queue(Rows(3, "a"), Rows(2, "b"), max_batch_size=4, batch_timeout_micros=10**9)
    assert waiting.take(0.0) == [Rows(3, "a")]
    assert waiting.take(0.0) is None


def test_an_empty_queue_is_never_due() -> None:
    assert queue().due() is None


def test_a_request_without_rows_is_not_left_waiting() -> None:
    assert queue(Rows(0)).take(0.0) == [Rows(0)]


def refused(call: Any) -> Status:
    with pytest.raises(StatusError) as caught:
        call()
    return caught.value.status


def test_a_request_larger_than_a_batch_is_refused() -> None:
    assert refused(lambda: queue(max_batch_size=4).pieces(5)) == Status(
        Code.INVALID_ARGUMENT, "Task size 5 is larger than maximum input batch size 4"
    )


@pytest.mark.parametrize("most", [1, 0])
def test_a_full_queue_refuses_what_needs_a_new_batch(most: int) -> None:
    waiting = queue(Rows(3), max_batch_size=4, max_enqueued_batches=most)
    assert waiting.pieces(1) == [1]
    assert refused(lambda: waiting.pieces(2)) == Status(
        Code.UNAVAILABLE,
        "The batch scheduling queue to which this task was submitted is full; currently 1 batches enqueued and "
        "max_enqueued_batches is 1",
    )


SPLITTING: dict[str, Any] = {
    "enable_large_batch_splitting": True,
    "max_batch_size": 100,
    "max_execution_batch_size": 4,
    "max_enqueued_batches": 3,
}


@pytest.mark.parametrize(
    ("before", "size", "pieces"), [(0, 4, [4]), (0, 10, [4, 4, 2]), (3, 1, [1]), (3, 6, [1, 4, 1]), (4, 5, [4, 1])]
)
def test_a_large_request_fills_the_open_batch_and_takes_new_ones(before: int, size: int, pieces: list[int]) -> None:
    assert queue(Rows(before), **SPLITTING).pieces(size) == pieces


def test_a_request_larger_than_what_a_queue_has_room_for_is_refused() -> None:
    assert refused(lambda: queue(Rows(3), **SPLITTING).pieces(10)) == Status(
        Code.UNAVAILABLE,
        "The batch scheduling queue to which this task was submitted is full; task size is 10 but scheduling capacity "
        "is only 9 (num_enqueued_batches=1, max_enqueued_batches=3, open_batch_size=3, max_execution_batch_size=4)",
    )


# -- parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        (
            {"allowed_batch_sizes": (2, 4)},
            "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4; expected 1000",
        ),
        ({"max_batch_size": 0}, "input_batch_size_limit must be positive; was 0"),
        ({"batch_timeout_micros": -1}, "batch_timeout_micros must be non-negative; was -1"),
        ({**SPLITTING, "max_enqueued_batches": 0}, "max_enqueued_batches must be positive; was 0"),
        (
            {**SPLITTING, "max_batch_size": 3},
            "When enable_large_batch_splitting is true, input_batch_size_limit must be greater than or equal to "
            "max_execution_batch_size.134",
        ),
    ],
)
def test_parameters_that_make_no_sense_fail_every_load(parameters: dict[str, Any], text: str) -> None:
    wrong = BatchingParameters(**parameters)
    assert refused(lambda: batchparameters.check_queue(wrong)) == Status(Code.INVALID_ARGUMENT, text)


def test_no_batch_threads_end_the_start() -> None:
    wrong = BatchingParameters(num_batch_threads=0)
    assert refused(lambda: batchparameters.check_scheduler(wrong)) == Status(
        Code.INVALID_ARGUMENT, "num_batch_threads must be positive; was 0"
    )


def test_good_parameters_pass() -> None:
    batchparameters.check_queue(
        BatchingParameters(max_batch_size=4, allowed_batch_sizes=(2, 4), max_enqueued_batches=0)
    )


# -- tensors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feeds", "text"),
    [
        ({}, "Batching Run() must have at least one input tensor"),
        ({"x": np.float32(1)}, "Batching Run() input tensors must have at least one dimension"),
        ({"x": np.zeros(1), "y": np.zeros(2)}, "Batching Run() input tensors must have equal 0th-dimension size"),
    ],
)
def test_a_request_whose_rows_cannot_be_counted_is_refused(feeds: dict[str, Any], text: str) -> None:
    given = {name: np.asarray(value) for name, value in feeds.items()}
    assert refused(lambda: batchtensors.rows_of(given)) == Status(Code.INVALID_ARGUMENT, text)


def joined(*arrays: Any, **parameters: Any) -> Any:
    return batchtensors.joined([{"x": np.asarray(each)} for each in arrays], BatchingParameters(**parameters))["x"]


def test_rows_of_several_requests_stand_in_order() -> None:
    assert joined([1, 2], [3]).tolist() == [1, 2, 3]


def test_a_batch_is_padded_with_the_first_row_of_its_last_request() -> None:
    assert joined([1, 2], [3, 4, 5], allowed_batch_sizes=(2, 8), max_batch_size=8).tolist() == [1, 2, 3, 4, 5, 3, 3, 3]


def test_shapes_that_differ_beyond_the_rows_are_refused_for_all() -> None:
    status = refused(lambda: joined([[1]], [[1, 2]]))
    assert status.code is Code.FAILED_PRECONDITION
    assert status.message.startswith("Tensors with name 'x' from different tasks have different shapes and padding is")


def test_shapes_that_differ_grow_where_that_is_asked_for() -> None:
    assert joined([[1]], [[2, 3]], pad_variable_length_inputs=True).tolist() == [[1, 1], [2, 3]]


def test_an_empty_tensor_cannot_grow() -> None:
    empty = np.zeros((1, 0))
    status = refused(lambda: joined(empty, [[2.0]], pad_variable_length_inputs=True))
    assert status == Status(Code.INVALID_ARGUMENT, "Got empty tensor in batch of non-empty tensors.")


def test_types_that_differ_are_an_internal_error_as_in_cpp() -> None:
    status = refused(lambda: joined(np.zeros(1, np.float32), np.array([b"a"], object)))
    assert status == Status(
        Code.INTERNAL,
        "Tensor concat operation failed: INVALID_ARGUMENT: Cannot concatenate tensors that have different data types. "
        "Got float and string.",
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array(1), "Batched output tensor has 0 dimensions"),
        (
            np.zeros(4),
            "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input "
            "tensors",
        ),
    ],
)
def test_an_output_that_has_not_a_row_per_row_is_refused(value: Any, text: str) -> None:
    assert refused(lambda: batchtensors.split(value, [1, 2], 0)) == Status(Code.FAILED_PRECONDITION, text)


def test_rows_of_padding_are_dropped() -> None:
    assert [part.tolist() for part in batchtensors.split(np.arange(5), [1, 2], 2)] == [[0], [1, 2]]


# -- threads ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Doubler(SavedModel):
    """A version that doubles its input, and can be held up in the middle of a run."""

    free: threading.Event = field(default_factory=threading.Event)
    inside: threading.Event = field(default_factory=threading.Event)
    ran: list[int] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)
    signatures: Mapping[str, Any] = field(default_factory=dict)

    def run(self, feeds: Mapping[str, Any], fetches: Sequence[str], timeout_ms: int = 0) -> list[Any]:
        self.inside.set()
        assert self.free.wait(10)
        self.ran.append(len(feeds["x"]))
        self.limits.append(timeout_ms)
        if feeds["x"].dtype == np.int8:
            raise StatusError(Code.INVALID_ARGUMENT, "not bytes")
        return [feeds["x"] * 2 for _ in fetches]

    def close(self) -> None:
        self.ran.append(-1)


@dataclass(frozen=True, slots=True)
class Bench:
    """A batched doubler with one batch thread, and clients."""

    doubler: Doubler
    scheduler: Scheduler
    clients: ThreadPoolExecutor

    def batched(self, **parameters: Any) -> BatchedModel:
        return BatchedModel(self.doubler, BatchingParameters(**parameters), self.scheduler, Telemetry())

    def ask(
        self, model: BatchedModel, values: Any, fetches: Sequence[str] = ("y",), timeout_ms: int = 0
    ) -> Future[Any]:
        return self.clients.submit(model.run, {"x": np.asarray(values)}, fetches, timeout_ms)


@pytest.fixture
def bench() -> Iterator[Bench]:
    scheduler, doubler = Scheduler(1), Doubler()
    with ThreadPoolExecutor(8) as clients:
        yield Bench(doubler, scheduler, clients)
        doubler.free.set()
        scheduler.close()


def waiting(model: BatchedModel, count: int) -> None:
    """Until that many requests wait in the queues of a model."""
    done = threading.Event()
    for _ in range(5000):
        if sum(model.waiting()) == count:
            return
        done.wait(0.002)
    raise AssertionError(f"{model.waiting()} wait, not {count}")


def test_requests_that_come_while_a_batch_runs_share_the_next_one(bench: Bench) -> None:
    model = bench.batched()
    first = bench.ask(model, [1])
    assert bench.doubler.inside.wait(10)
    others = [bench.ask(model, [number, number]) for number in (2, 3, 4)]
    waiting(model, 3)
    bench.doubler.free.set()
    assert [answer.result(10)[0].tolist() for answer in (first, *others)] == [[2], [4, 4], [6, 6], [8, 8]]
    assert bench.doubler.ran == [1, 6]


def test_requests_for_other_outputs_have_batches_of_their_own(bench: Bench) -> None:
    model = bench.batched()
    blocked = bench.ask(model, [0])
    assert bench.doubler.inside.wait(10)
    answers = [bench.ask(model, [1], ["y"]), bench.ask(model, [2], ["y", "z"]), bench.ask(model, [3], ["z", "y"])]
    waiting(model, 3)
    bench.doubler.free.set()
    assert [len(answer.result(10)) for answer in (blocked, *answers)] == [1, 1, 2, 2]
    assert sorted(bench.doubler.ran) == [1, 1, 2]


def test_what_fails_for_one_fails_for_all_of_its_batch(bench: Bench) -> None:
    model = bench.batched()
    blocked = bench.ask(model, [0])
    assert bench.doubler.inside.wait(10)
    answers = [bench.ask(model, np.zeros(1, np.int8)) for _ in range(2)]
    waiting(model, 2)
    bench.doubler.free.set()
    errors = [answer.exception(10) for answer in answers]
    assert [str(error) for error in errors] == ["INVALID_ARGUMENT: not bytes"] * 2
    assert errors[0] is not errors[1]
    assert blocked.result(10)[0].tolist() == [0]


def test_a_request_that_waited_too_long_is_not_run(bench: Bench) -> None:
    model = bench.batched()
    blocked = bench.ask(model, [0])
    assert bench.doubler.inside.wait(10)
    late = bench.ask(model, [1], timeout_ms=1)
    waiting(model, 1)
    threading.Event().wait(0.01)  # the millisecond it has
    bench.doubler.free.set()
    error = late.exception(10)
    assert str(error) == "RESOURCE_EXHAUSTED: Run() timeout exceeded while waiting in batching queue"
    assert blocked.result(10)[0].tolist() == [0]
    assert bench.doubler.ran == [1]


def test_a_run_has_the_time_of_its_most_patient_request(bench: Bench) -> None:
    model = bench.batched()
    bench.ask(model, [0])
    assert bench.doubler.inside.wait(10)
    answers = [bench.ask(model, [1], timeout_ms=60_000), bench.ask(model, [2], timeout_ms=90_000)]
    waiting(model, 2)
    bench.doubler.free.set()
    assert [answer.result(10)[0].tolist() for answer in answers] == [[2], [4]]
    assert 60_000 < bench.doubler.limits[1] <= 90_000


def test_a_full_queue_is_said_at_once(bench: Bench) -> None:
    model = bench.batched(max_batch_size=1, max_enqueued_batches=1)
    blocked = bench.ask(model, [0])
    assert bench.doubler.inside.wait(10)
    queued = bench.ask(model, [1])
    waiting(model, 1)
    assert "UNAVAILABLE: The batch scheduling queue" in str(bench.ask(model, [2]).exception(10))
    bench.doubler.free.set()
    assert [answer.result(10)[0].tolist() for answer in (blocked, queued)] == [[0], [2]]


def test_a_large_request_comes_back_in_one_piece(bench: Bench) -> None:
    bench.doubler.free.set()
    model = bench.batched(**{**SPLITTING, "max_enqueued_batches": 9})
    assert bench.ask(model, range(10)).result(10)[0].tolist() == [number * 2 for number in range(10)]
    assert bench.doubler.ran == [4, 4, 2]


def test_closing_a_version_takes_its_queues_away(bench: Bench) -> None:
    bench.doubler.free.set()
    model = bench.batched()
    assert bench.ask(model, [1]).result(10)[0].tolist() == [2]
    model.close()
    assert bench.doubler.ran == [1, -1]
    assert model.waiting() == []


def test_waits_and_batches_are_counted(bench: Bench) -> None:
    bench.doubler.free.set()
    telemetry = Telemetry()
    model = BatchedModel(bench.doubler, BatchingParameters(), bench.scheduler, telemetry)
    bench.ask(model, [1]).result(10)
    page = telemetry.render()
    assert ":tensorflow:serving:batching_session:wrapped_run_count{} 1" in page
    assert ':tensorflow:serving:batching_session:queuing_latency_count{thread_pool_name=""} 1' in page
