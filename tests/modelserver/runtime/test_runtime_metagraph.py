"""Which graphs run in the thread that asks, and what is read of a large one."""

import pytest

from reconciler.modelserver.capi import Buffer
from reconciler.modelserver.metagraph import is_simple, signatures_in
from reconciler.wire.stubs import meta_graph_pb2


def graph(*operations: str, within: str = "") -> meta_graph_pb2.MetaGraphDef:
    message = meta_graph_pb2.MetaGraphDef()
    for number, operation in enumerate(operations):
        message.graph_def.node.add(name=f"n{number}", op=operation)
    if within:
        message.graph_def.library.function.add().node_def.add(name="inner", op=within)
    return message


def shown(message: meta_graph_pb2.MetaGraphDef) -> Buffer:
    return Buffer.showing(message.SerializeToString())


@pytest.mark.parametrize(
    ("message", "simple"),
    [
        pytest.param(graph("Placeholder", "MatMul"), True, id="a few operations"),
        pytest.param(graph("PartitionedCall", within="MatMul"), True, id="a function"),
        pytest.param(graph("While"), False, id="a loop"),
        pytest.param(graph("PartitionedCall", within="StatelessWhile"), False, id="a loop in a function"),
        pytest.param(graph("Unstage"), False, id="an operation that waits for another"),
        pytest.param(graph(*["NoOp"] * 1001), False, id="many operations"),
    ],
)
def test_a_graph_is_simple_without_loops_and_with_few_operations(
    message: meta_graph_pb2.MetaGraphDef, simple: bool
) -> None:
    assert is_simple(shown(message)) is simple


def test_a_large_graph_is_not_even_looked_at() -> None:
    message = graph("Const")
    message.graph_def.node[0].attr["value"].tensor.tensor_content = bytes(1 << 20)
    message.signature_def["serving_default"].inputs["x"].name = "x:0"
    message.signature_def["other"].method_name = "tensorflow/serving/predict"
    assert not is_simple(shown(message))
    found = signatures_in(shown(message))
    assert found.keys() == {"serving_default", "other"}
    assert found["serving_default"].inputs["x"].name == "x:0"
