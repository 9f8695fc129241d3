"""Which version answers a request: by number, by label, or the highest one there is."""

from __future__ import annotations

from conformance_cases import case
from conformance_client import floats, spec
from conformance_process import ProcessWorld
from conformance_world import World

UNKNOWN_LABEL = "INVALID_ARGUMENT: Unrecognized servable version label: beta"


@case("C7", "O14", process_only="it is about fields of a message")
def test_predict_names_the_version_and_the_signature_that_answered(world: ProcessWorld) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2, old=1))
    for chosen, version in ((spec(m.name), 2), (spec(m.name, 1), 1), (spec(m.name, label="old"), 1)):
        answer = world.client.predict(chosen, x=floats(2.0))
        assert (answer.model_spec.name, answer.model_spec.signature_name) == (m.name, "serving_default")
        assert answer.model_spec.WhichOneof("version_choice") == "version"
        assert answer.model_spec.version.value == version
        assert list(answer.outputs["y"].float_val) == [2.0 + version]


@case("C7", "C8", "O14")
def test_a_version_answers_for_itself_and_without_one_the_highest(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2))
    assert (m.asks(), m.asks(1), m.asks(2)) == (2, 1, 2)
    assert (world.content(m.name), world.content(m.name, 1)) == (2, 1)


@case("O14")
def test_without_a_version_the_highest_loaded_one_answers_not_the_highest_on_disk(world: World) -> None:
    m = world.model("m", 1, 2, 3)
    world.serve(m(1, 2))
    assert m.asks() == 2


@case("C9", "O16")
def test_a_label_nobody_defined_is_unknown_whether_or_not_the_model_is(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2, alpha=1))
    assert m.asks(label="beta") == UNKNOWN_LABEL
    assert world.model("nobody").asks(label="beta") == UNKNOWN_LABEL


@case("C10", "O17")
def test_a_version_that_is_not_loaded_is_not_found(world: World) -> None:
    m = world.model("m", 1, 2, 9)
    world.serve(m(1, 2))
    assert m.asks(9) == m.not_found(9)


@case("C11", "O18")
def test_an_unknown_model_is_not_found(world: World) -> None:
    m = world.model("m", 1)
    assert m.asks() == m.not_found()
    assert m.asks(1) == m.not_found(1)


@case("C12", "O18")
def test_a_request_needs_a_name(world: World) -> None:
    assert str(world.resolve("")) == "INVALID_ARGUMENT: ModelSpec has no name specified."
    assert str(world.resolve("", label="beta")) == "INVALID_ARGUMENT: ModelSpec has no name specified."


@case("O15", "O17")
def test_metadata_by_label_names_the_version_or_says_which_one_is_missing(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2, stable=1))
    assert m.asks(label="stable") == 1
    assert world.reload(m(2, stable=1)).ok
    m.until({2: "AVAILABLE", 1: "END"})
    assert m.asks(label="stable") == m.not_found(1)
