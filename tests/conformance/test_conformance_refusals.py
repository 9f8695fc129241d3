"""Configs that are refused: the texts, what is applied all the same, and what a refusal leaves behind."""

from __future__ import annotations

from dataclasses import replace

from conformance_cases import case
from conformance_process import ProcessWorld
from conformance_world import POLL, World

from reconciler.modelserver.core import OK, ModelConfig, Status
from reconciler.wire import stubs

NEITHER = (
    "INVALID_ARGUMENT: Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
    "ModelServerConfig::model_platform, model name is {}"
)
BOTH = (
    "INVALID_ARGUMENT: Illegal setting both ModelServerConfig::model_type (deprecated) and "
    "ModelServerConfig::model_platform, model name is {}"
)
CHANGED = (
    "INVALID_ARGUMENT: Illegal to change a model's platform. For model {} platform was {} "
    "and new platform requested is {}"
)


def refused_without_a_trace(world: World, entry: ModelConfig, *also: ModelConfig) -> Status:
    """The refusal of a reload that also asks for a label and a version, none of which must come."""
    m = world.model("bystander", 1, 2)
    world.serve(m(1), entry)
    status = world.reload(m(1, 2, a=1), *also)
    m.stays({1: "AVAILABLE"}, POLL + 0.2)
    assert m.asks(label="a") == "INVALID_ARGUMENT: Unrecognized servable version label: a"
    assert world.reload(m(1, a=1), entry) == OK
    return status


@case("C56", "O60")
def test_a_name_listed_twice_is_refused_without_a_trace(world: World) -> None:
    m = world.model("m", 1)
    assert str(refused_without_a_trace(world, m(1), m(1), m(1))) == (
        f"INVALID_ARGUMENT: Illegal to list model {m.name} multiple times in config list"
    )


@case("C57", "O61")
def test_a_relative_base_path_is_refused_without_a_trace(world: World) -> None:
    m = world.model("m", 1)
    assert str(refused_without_a_trace(world, m(1), replace(m(1), base_path="models/x"))) == (
        f"INVALID_ARGUMENT: Expected model {m.name} to have an absolute path or URI; got base_path()=models/x"
    )


@case("C57", "O61")
def test_an_empty_base_path_is_relative(world: World) -> None:
    m = world.model("m", 1)
    assert str(world.reload(replace(m(1), base_path=""))) == (
        f"INVALID_ARGUMENT: Expected model {m.name} to have an absolute path or URI; got base_path()="
    )


@case("C56", "C57")
def test_names_are_looked_at_before_paths(world: World) -> None:
    m = world.model("m", 1)
    relative = replace(m(1), base_path="x")
    assert str(world.reload(relative, relative)) == (
        f"INVALID_ARGUMENT: Illegal to list model {m.name} multiple times in config list"
    )


@case("O62")
def test_another_platform_for_a_configured_model_is_refused_without_a_trace(world: World) -> None:
    m = world.model("m", 1)
    status = refused_without_a_trace(world, m(1), replace(m(1), platform="pytorch"))
    assert str(status) == CHANGED.format(m.name, "tensorflow", "pytorch")


@case("O62")
def test_no_platform_for_a_configured_model_is_refused_without_a_trace(world: World) -> None:
    m = world.model("m", 1)
    assert str(refused_without_a_trace(world, m(1), replace(m(1), platform=""))) == NEITHER.format(m.name)


@case("O62")
def test_platform_and_type_for_a_configured_model_are_refused_without_a_trace(world: World) -> None:
    m = world.model("m", 1)
    assert str(refused_without_a_trace(world, m(1), replace(m(1), model_type=1))) == BOTH.format(m.name)


@case("C61")
def test_the_deprecated_type_stands_for_its_platform(world: World) -> None:
    m = world.model("m", 1)
    assert world.reload(replace(m(1), platform="", model_type=1)) == OK
    assert m.states() == {1: "AVAILABLE"}
    assert world.reload(m(1)) == OK


@case("C58", process_only="the core knows no custom configs")
def test_a_custom_config_is_refused(world: ProcessWorld) -> None:
    m = world.model("m", 1)
    world.serve(m(1))
    request = stubs.model_management_pb2.ReloadConfigRequest()
    request.config.custom_model_config.SetInParent()
    assert str(world.answer(world.client.send_request(request))) == (
        "INVALID_ARGUMENT: ServerModelConfig type not supported by HandleReloadConfigRequest. "
        "Only ModelConfigList is currently supported"
    )
    assert m.states() == {1: "AVAILABLE"}


@case("C58", process_only="the core is never told that there was no config")
def test_a_request_without_a_config_is_refused(world: ProcessWorld) -> None:
    request = stubs.model_management_pb2.ReloadConfigRequest()
    assert str(world.answer(world.client.send_request(request))) == (
        "INVALID_ARGUMENT: ServerModelConfig type not supported by HandleReloadConfigRequest. "
        "Only ModelConfigList is currently supported"
    )


@case("C59", "O63", fresh="the server refuses every reload afterwards")
def test_a_new_model_without_a_platform_poisons_the_server(world: World) -> None:
    world.open()
    m, np = world.model("m", 1, 2, 3), world.model("np", 1)
    world.serve(m(1, 2, stable=1))
    poisoned = NEITHER.format(np.name)
    assert str(world.reload(m(1, 2, 3, stable=2), replace(np(1), platform=""))) == poisoned
    assert m.asks(label="stable") == 2
    assert str(world.reload(m(1, 2, stable=1))) == poisoned
    assert str(world.reload()) == poisoned
    m.stays({2: "AVAILABLE", 1: "AVAILABLE"}, POLL + 0.2)
    assert (m.asks(label="stable"), np.states()) == (2, {})


@case("O64", fresh="the server refuses every reload afterwards")
def test_the_poison_works_as_well_when_the_request_was_refused_for_a_label(world: World) -> None:
    world.open()
    m, np = world.model("m", 1), world.model("np", 1)
    world.serve(m(1))
    assert str(world.reload(m(1, a=9), replace(np(1), platform=""))) == m.label_refused(9)
    assert str(world.reload(m(1))) == NEITHER.format(np.name)


@case("C59", fresh="the server refuses every reload afterwards")
def test_a_new_model_with_platform_and_type_poisons_the_server_too(world: World) -> None:
    world.open()
    m, np = world.model("m", 1), world.model("np", 1)
    world.serve(m(1))
    assert str(world.reload(m(1), replace(np(1), model_type=1))) == BOTH.format(np.name)
    assert str(world.reload(m(1))) == BOTH.format(np.name)


@case("C59", fresh="the server refuses every reload afterwards")
def test_a_new_model_of_another_type_poisons_the_server_too(world: World) -> None:
    world.open()
    m, np = world.model("m", 1), world.model("np", 1)
    world.serve(m(1))
    words = "INVALID_ARGUMENT: ModelServerConfig::model_type choice 2 not supported."
    assert str(world.reload(m(1), replace(np(1), platform="", model_type=2))) == words
    assert str(world.reload(m(1))) == words


@case("C60", "O65")
def test_a_new_model_on_an_unknown_platform_sticks_to_it_until_a_reload_leaves_it_out(world: World) -> None:
    m, np = world.model("m", 1, 2, 3), world.model("np", 1)
    world.serve(m(1, 2, stable=1))
    status = world.reload(m(1, 2, 3, stable=2), replace(np(1), platform="pytorch"))
    assert str(status) == f"INVALID_ARGUMENT: Model {np.name} requests unsupported platform pytorch"
    assert m.asks(label="stable") == 2
    assert str(world.reload(m(1, 2), np(1))) == CHANGED.format(np.name, "pytorch", "tensorflow")
    m.stays({2: "AVAILABLE", 1: "AVAILABLE"}, POLL + 0.2)
    assert world.reload(m(1, 2)) == OK
    assert world.reload(m(1, 2), np(1)) == OK
    assert np.states() == {1: "AVAILABLE"}


@case("C16")
def test_a_config_refused_for_a_label_is_what_platforms_are_compared_with_next(world: World) -> None:
    m, c = world.model("m", 1), world.model("c", 1)
    world.serve(m(1))
    assert str(world.reload(m(1, a=9), replace(c(1), platform="p2"))) == m.label_refused(9)
    assert str(world.reload(m(1), c(1))) == CHANGED.format(c.name, "p2", "tensorflow")
    assert world.reload(m(1)) == OK
    assert world.reload(m(1), c(1)) == OK


@case("C16")
def test_a_config_refused_for_its_list_is_forgotten(world: World) -> None:
    m, c = world.model("m", 1), world.model("c", 1)
    world.serve(m(1))
    assert not world.reload(m(1), m(1), replace(c(1), platform="p2")).ok
    assert world.reload(m(1), c(1)) == OK


@case("C62")
def test_request_logging_is_refused_after_all_else_was_applied(world: World) -> None:
    m, n = world.model("m", 1, 2), world.model("n", 1)
    world.serve(m(1))
    status = world.reload(replace(m(1, 2, a=1), logging=True), n(1))
    assert str(status) == "INVALID_ARGUMENT: No request-logger-creator provided."
    assert (n.states(), m.asks(label="a")) == ({1: "AVAILABLE"}, 1)
    m.until({2: "AVAILABLE", 1: "AVAILABLE"})


@case("C96", "O97")
def test_a_long_text_is_cut_in_a_refusal_and_whole_in_the_status(world: World) -> None:
    m = world.model("m")
    deep = f"{m.base}/{'/'.join('d' * 200 for _ in range(5))}"
    world.make(f"{deep}/1")
    status = world.reload(replace(m(1), base_path=deep))
    assert (len(status.message), status.message[1024:]) == (1024 + len("...TRUNCATED"), "...TRUNCATED")
    assert m.error(1).message.endswith(f"Specified file path: {deep}/1")


@case("O97")
def test_a_long_name_is_cut_in_the_answer_to_a_request(world: World) -> None:
    name = "n" * 2000
    for refused in (world.resolve(name), world.get_model_status(name)):
        assert isinstance(refused, Status)
        assert len(refused.message) == 1024 + len("...TRUNCATED")
