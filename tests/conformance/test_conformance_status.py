"""GetModelStatus: what is listed, in what order, with which states and errors."""

from __future__ import annotations

import grpc
import pytest
from conformance_cases import case
from conformance_process import ProcessWorld
from conformance_world import World, garbage

from reconciler.modelserver.core import OK, Code, Status
from reconciler.wire import stubs

IN_ORDER = [None, "START", "LOADING", "AVAILABLE"]


@case("C1")
def test_a_directory_with_leading_zeros_is_one_available_version(world: World) -> None:
    m = world.model("m").publish("00000123")
    assert world.reload(m.latest()) == OK
    assert m.states() == {123: "AVAILABLE"}
    assert m.error(123) == OK


@case("C2", process_only="it is about a field of a message")
def test_a_question_without_a_model_spec_is_refused(world: ProcessWorld) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        world.client.models.GetModelStatus(stubs.get_model_status_pb2.GetModelStatusRequest())
    assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.INVALID_ARGUMENT, "Missing ModelSpec")


@case("C3", "O9")
def test_an_unknown_model_is_not_found(world: World) -> None:
    m = world.model("m")
    assert world.get_model_status(m.name) == Status(Code.NOT_FOUND, f"Could not find any versions of model {m.name}")


@case("C4", "O9")
def test_an_unknown_version_is_not_found_even_if_it_is_configured(world: World) -> None:
    m = world.model("m", 123, 124)
    world.serve(m(123, 124))
    assert world.reload(m(123, 124, 125)) == OK
    world.settle()
    assert world.get_model_status(m.name, 125) == Status(
        Code.NOT_FOUND, f"Could not find version 125 of model {m.name}"
    )


@case("C4")
def test_one_version_can_be_asked_for(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2))
    found = world.get_model_status(m.name, 1)
    assert not isinstance(found, Status)
    assert [each.version for each in found] == [1]


@case("C5", "O8")
def test_versions_come_highest_first(world: World) -> None:
    m = world.model("m", 1, 2, 10)
    world.serve(m(2, 10, 1))
    assert list(m.states()) == [10, 2, 1]


@case("C6", "O12", process_only="the core is never told of a label in this question")
def test_a_label_in_the_question_is_ignored(world: ProcessWorld) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2, a=1))
    everything = world.get_model_status(m.name)
    assert world.get_model_status(m.name, label="a") == everything
    assert world.get_model_status(m.name, label="nobody defined this") == everything


@case("O8")
def test_versions_that_ended_stay_listed_until_loaded_again(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2))
    assert world.reload() == OK
    m.until({2: "END", 1: "END"})
    assert world.reload(m(1)) == OK
    m.stays({2: "END", 1: "AVAILABLE"}, 1.2)


@case("O10")
def test_a_version_just_added_is_absent_until_the_poll_and_then_comes_up_in_order(world: World) -> None:
    m = world.model("m", 1).publish(2, seconds=0.4)
    world.serve(m(1))
    assert world.reload(m(1, 2)) == OK
    seen = [states.get(2) for states in m.watch({2: "AVAILABLE", 1: "AVAILABLE"})]
    assert seen[0] is None
    assert seen == [state for state in IN_ORDER if state in seen]
    assert "LOADING" in seen


@case("O11", fresh="a model without a name stays in its status")
def test_the_empty_name_is_asked_for_and_configured_like_any_other(world: World) -> None:
    world.open()
    nobody = world.model("", 1)
    assert world.get_model_status("") == Status(Code.NOT_FOUND, "Could not find any versions of model ")
    assert world.reload(nobody(1)) == OK
    assert nobody.states() == {1: "AVAILABLE"}
    assert nobody.asks() == "INVALID_ARGUMENT: ModelSpec has no name specified."


@case("O13")
def test_ok_stands_with_what_is_well_and_the_error_with_what_failed(world: World) -> None:
    m = world.model("m", 1, 2).publish(3, fault="garbage")
    world.serve(m(1, 2))
    assert world.reload(m(2, 3)) == OK
    m.until({3: "END", 2: "AVAILABLE", 1: "END"})
    assert [m.error(version) for version in (1, 2, 3)] == [OK, OK, garbage(m, 3)]


@case("O98", process_only="it is about fields of a message")
def test_a_good_reload_says_ok_inside_and_nothing_else(world: ProcessWorld) -> None:
    request = stubs.model_management_pb2.ReloadConfigRequest()
    request.config.model_config_list.SetInParent()
    response = world.client.models.HandleReloadConfigRequest(request, timeout=10.0)
    assert (response.HasField("status"), response.status.error_code, response.status.error_message) == (True, 0, "")
