"""Predict: what is checked in which order, and what the answer carries (predict_util.cc, tensorflow/cc/saved_model)."""

from __future__ import annotations

import grpc
import pytest
from conformance_cases import case
from conformance_client import DEADLINE, floats, spec
from conformance_exports import nap
from conformance_graphs import LONG_COMPLAINT
from conformance_standing import WIRE, Standing, refusal, tensor

from reconciler.wire import stubs

pytestmark = pytest.mark.serving
NAN = float("nan")


@case("C72", "S1", process_only=WIRE)
def test_half_plus_two_answers_with_name_version_and_signature_in_typed_fields(standing: Standing) -> None:
    answer = standing.predict(standing.spec(version=1), x=floats(2.0))
    y = answer.outputs["y"]
    assert list(y.float_val) == [3.0]
    assert (y.dtype, [each.size for each in y.tensor_shape.dim], y.tensor_content) == (1, [1, 1], b"")
    assert answer.model_spec == standing.spec(version=1, of="serving_default")


@case("C7", "C8", "O14", process_only=WIRE)
def test_the_answer_names_the_version_that_answered_and_never_a_label(standing: Standing) -> None:
    for asked, version in (
        (standing.spec(), 2),
        (standing.spec(version=1), 1),
        (standing.spec(label="stable"), 1),
        (standing.spec(label="a/b c"), 1),
    ):
        answer = standing.predict(asked, x=floats(2.0))
        assert answer.model_spec == standing.spec(version=version, of="serving_default")
        assert list(answer.outputs["y"].float_val) == [2.0 + version]


@case("S2", process_only=WIRE)
def test_a_request_without_model_spec_is_refused(standing: Standing) -> None:
    request = stubs.predict_pb2.PredictRequest(inputs={"x": floats(1.0)})
    sent = standing.client.predictions.Predict
    assert refusal(sent, request, timeout=DEADLINE) == "INVALID_ARGUMENT: Missing ModelSpec"


@case("C9", "C10", "C11", "C12", "O16", "O17", "O18", process_only=WIRE)
def test_what_is_not_found_is_said_in_these_words(standing: Standing) -> None:
    name = standing.name("plus")
    for asked, said in (
        (spec(""), "INVALID_ARGUMENT: ModelSpec has no name specified."),
        (spec("", label="stable"), "INVALID_ARGUMENT: ModelSpec has no name specified."),
        (spec(name, label="beta"), "INVALID_ARGUMENT: Unrecognized servable version label: beta"),
        (spec("nope", label="beta"), "INVALID_ARGUMENT: Unrecognized servable version label: beta"),
        (spec(name, 9), f"NOT_FOUND: Servable not found for request: Specific({name}, 9)"),
        (spec(name, -1), f"NOT_FOUND: Servable not found for request: Specific({name}, -1)"),
        (spec("nope", 1), "NOT_FOUND: Servable not found for request: Specific(nope, 1)"),
        (spec("nope"), "NOT_FOUND: Servable not found for request: Latest(nope)"),
    ):
        assert standing.refused(asked, x=floats(1.0)) == said


@case("C73", "S3", process_only=WIRE)
def test_too_few_and_too_many_inputs_are_counted_and_named(standing: Standing) -> None:
    assert standing.refused(standing.spec()) == (
        "INVALID_ARGUMENT: input size does not match signature: 0!=1 len({}) != len({x}). "
        "Sent extra: {}. Missing but required: {x}."
    )
    assert standing.refused(standing.spec(), x=floats(1.0), z=floats(1.0), w=floats(1.0)) == (
        "INVALID_ARGUMENT: input size does not match signature: 3!=1 len({w,x,z}) != len({x}). "
        "Sent extra: {w,z}. Missing but required: {}."
    )


@case("O20", "S3", process_only=WIRE)
def test_a_wrong_input_name_is_refused_with_both_names(standing: Standing) -> None:
    assert standing.refused(standing.spec(), z=floats(1.0)) == (
        "INVALID_ARGUMENT: Signature input alias: x(feed name: x:0) not found in request and no default value "
        "provided. Inputs expected to be in the request {z}, or default input alias set: "
    )


@case("S4", process_only=WIRE)
def test_an_input_left_out_takes_the_default_of_the_signature(standing: Standing) -> None:
    column = tensor("float", [1], float_val=[1.0])
    answer = standing.predict(standing.spec(of="pair_with_default"), "sum", a=column)
    assert list(answer.outputs["sum"].float_val) == [101.0]
    refused = standing.refused(standing.spec(of="pair_with_default"), b=column)
    assert refused.startswith("INVALID_ARGUMENT: Signature input alias: a(feed name: a:0) not found in request and no ")
    assert refused.endswith("{b}, or default input alias set: b")


@case("S5", process_only=WIRE)
def test_a_tensor_that_contradicts_itself_is_a_parsing_error(standing: Standing) -> None:
    for broken in (
        tensor("float", [2], tensor_content=b"\0" * 7),
        tensor("float", [-1], float_val=[1.0]),
        tensor("float", [2**40, 2**40], float_val=[1.0]),
        tensor("invalid", [1], float_val=[1.0]),
    ):
        assert standing.refused(standing.spec(), x=broken) == "INVALID_ARGUMENT: tensor parsing error: x"


@case("S6", process_only=WIRE)
def test_values_beyond_the_shape_are_left_out(standing: Standing) -> None:
    sent = tensor("float", [2], float_val=[2.0, 4.0, 6.0])
    assert list(standing.predict(standing.spec(version=1), x=sent).outputs["y"].float_val) == [3.0, 4.0]


@case("S6", process_only=WIRE)
def test_one_value_fills_a_shape_and_raw_content_is_read(standing: Standing) -> None:
    one = standing.predict(standing.spec(version=1), x=tensor("float", [3, 1], float_val=[2.0]))
    assert list(one.outputs["y"].float_val) == [3.0, 3.0, 3.0]
    raw = standing.predict(standing.spec(version=1), x=tensor("float", [2, 1], tensor_content=b"\0\0\0@\0\0\x80@"))
    assert list(raw.outputs["y"].float_val) == [3.0, 4.0]


@case("C74", "S7", process_only=WIRE)
def test_an_output_filter_chooses_and_refuses_the_unknown_and_the_repeated(standing: Standing) -> None:
    columns = {name: tensor("float", [1], float_val=[3.0]) for name in ("a", "b")}
    asked = standing.spec(of="pair")
    assert set(standing.predict(asked, **columns).outputs) == {"sum", "difference"}
    assert set(standing.predict(asked, "sum", **columns).outputs) == {"sum"}
    assert standing.refused(asked, "sum", "product", **columns) == (
        "INVALID_ARGUMENT: output tensor alias not found in signature: product "
        "Outputs expected to be in the set {difference,sum}."
    )
    assert standing.refused(asked, "sum", "sum", **columns) == ("INVALID_ARGUMENT: duplicate output tensor alias: sum")


@case("C75", "O20", process_only=WIRE)
def test_an_unknown_signature_is_a_failed_precondition(standing: Standing) -> None:
    said = 'FAILED_PRECONDITION: Serving signature key "nope" not found.'
    assert standing.refused(standing.spec(of="nope"), x=floats(1.0)) == said
    missing = 'FAILED_PRECONDITION: Serving signature key "serving_default" not found.'
    assert standing.refused(standing.spec("echo"), x=floats(1.0)) == missing


@case("S8", process_only=WIRE)
def test_checks_come_in_this_order_signature_inputs_filter_session(standing: Standing) -> None:
    broken = tensor("float", [2], tensor_content=b"\0")
    assert "Serving signature key" in standing.refused(standing.spec(of="nope"), "bad", z=broken)
    assert "input size does not match" in standing.refused(standing.spec(), "bad", x=broken, z=broken)
    assert "tensor parsing error" in standing.refused(standing.spec(), "bad", x=broken)
    assert "output tensor alias" in standing.refused(standing.spec(), "bad", x=tensor("string", [1], string_val=[b"a"]))


@case("C76", "S9", process_only=WIRE)
def test_a_wrong_element_type_is_refused_by_the_session(standing: Standing) -> None:
    for dtype, sent in (
        ("string", tensor("string", [1], string_val=[b"2"])),
        ("double", tensor("double", [1], double_val=[2.0])),
        ("int32", tensor("int32", [1], int_val=[2])),
    ):
        said = f"INVALID_ARGUMENT: Expects arg[0] to be float but {dtype} is provided"
        assert standing.refused(standing.spec(), x=sent) == said


@case("S10", process_only=WIRE)
def test_the_shape_of_the_signature_is_not_compared(standing: Standing) -> None:
    for shape, values in (([3], [2.0, 2.0, 2.0]), ([], [2.0]), ([1, 2, 1, 1], [2.0, 2.0]), ([0, 1], [])):
        y = standing.predict(standing.spec(version=1), x=tensor("float", shape, float_val=values)).outputs["y"]
        assert [each.size for each in y.tensor_shape.dim] == shape
        assert list(y.float_val) == [3.0] * len(values)


@case("S10", process_only=WIRE)
def test_shapes_that_the_graph_cannot_take_are_an_invalid_argument(standing: Standing) -> None:
    two, three = tensor("float", [2], float_val=[1.0]), tensor("float", [3], float_val=[1.0])
    assert standing.refused(standing.spec(of="pair"), a=two, b=three).startswith(
        "INVALID_ARGUMENT: Incompatible shapes: [2] vs. [3]"
    )


@case("S11", process_only=WIRE)
def test_what_an_operation_says_is_passed_on(standing: Standing) -> None:
    refused = standing.refused(standing.spec(of="grumbles"), f=tensor("float", [1], float_val=[NAN]))
    assert refused.startswith("INVALID_ARGUMENT: no : Tensor had NaN values")
    assert "{{node grumbles_checked}}" in refused


@case("C96", "O97", process_only=WIRE)
def test_a_long_text_is_cut_after_1024_characters_over_grpc_and_whole_over_rest(standing: Standing) -> None:
    refused = standing.refused(standing.spec(of="complains"), f=tensor("float", [1], float_val=[NAN]))
    assert refused == f"INVALID_ARGUMENT: {LONG_COMPLAINT[:1024]}...TRUNCATED"
    status, text = standing.post('{"signature_name": "complains", "instances": [NaN]}').error
    assert (status, text[:1519]) == (400, f"{LONG_COMPLAINT} : Tensor had NaN v")


@case("S12", process_only=WIRE)
def test_a_signature_without_inputs_needs_none(standing: Standing) -> None:
    answer = standing.predict(standing.spec(of="no_inputs"))
    assert list(answer.outputs["seven"].float_val) == [7.0]


@case("S13", process_only=WIRE)
def test_the_method_name_of_a_signature_is_not_checked(standing: Standing) -> None:
    answer = standing.predict(standing.spec(version=1, of="odd_method"), x=floats(2.0))
    assert list(answer.outputs["y"].float_val) == [3.0]


@case("S14", process_only=WIRE)
def test_a_variable_comes_from_the_checkpoint(standing: Standing) -> None:
    answer = standing.predict(standing.spec("variable"), x=tensor("float", [1], float_val=[2.0]))
    assert list(answer.outputs["y"].float_val) == [7.0]


@case("C89", "O68", process_only=WIRE)
def test_without_variables_a_version_is_available_and_every_call_fails(standing: Standing) -> None:
    assert standing.world.models["hollow"].states() == {1: "AVAILABLE"}
    refused = standing.refused(standing.spec("hollow"), x=tensor("float", [1], float_val=[2.0]))
    assert refused.startswith("FAILED_PRECONDITION: Could not find variable v. ")
    assert standing.post({"instances": [1.0]}, model="hollow").error[0] == 400


@case("S15", process_only=WIRE)
def test_the_deadline_of_a_call_ends_it_and_nothing_else(standing: Standing) -> None:
    request = stubs.predict_pb2.PredictRequest(
        model_spec=standing.spec("half", of="sleep"), inputs={"microseconds": nap(1.2)}
    )
    with pytest.raises(grpc.RpcError) as ended:
        standing.client.predictions.Predict(request, timeout=0.3)
    assert ended.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert list(standing.predict(standing.spec("half"), x=floats(2.0)).outputs["y"].float_val) == [3.0]


@case("S16", process_only=WIRE)
def test_requests_and_answers_may_be_far_larger_than_grpcs_usual_limit(standing: Standing) -> None:
    count = 3_000_000
    sent = tensor("float", [count], tensor_content=b"\0\0\0@" * count)
    request = stubs.predict_pb2.PredictRequest(model_spec=standing.spec(version=1), inputs={"x": sent})
    with grpc.insecure_channel(standing.client.address, options=[("grpc.max_receive_message_length", -1)]) as channel:
        predictions = stubs.prediction_service_pb2_grpc.PredictionServiceStub(channel)
        y = predictions.Predict(request, timeout=DEADLINE).outputs["y"]
    assert (len(y.float_val), y.float_val[0], y.float_val[-1]) == (count, 3.0, 3.0)
