"""Refusals of a configuration, and what each failing step leaves behind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import World, model, serving

from reconciler.modelserver.core import OK, Code, ModelConfig, ServerConfig, Specific, Status

NEITHER = Status(
    Code.INVALID_ARGUMENT,
    "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform, "
    "model name is np",
)
NO_PLATFORM = replace(model("np", 1), platform="")


def invalid(text: str) -> Status:
    return Status(Code.INVALID_ARGUMENT, text)


def test_a_name_listed_twice_is_refused_and_nothing_is_applied() -> None:
    """C56."""
    world = serving(model("half", 1))
    assert world.send(model("half", 1), model("half", 1)).status == invalid(
        "Illegal to list model half multiple times in config list"
    )
    assert world.core.stored_config() == ServerConfig((model("half", 1),))
    assert world.send(model("half", 1)).status == OK


def test_relative_and_empty_base_paths_are_refused_and_uris_are_not() -> None:
    """C57."""
    world = serving()
    for path in ("models/x", ""):
        assert world.send(ModelConfig("rel", path)).status == invalid(
            f"Expected model rel to have an absolute path or URI; got base_path()={path}"
        )
    world.disk.add("s3://bucket/x", 1)
    assert world.apply(ModelConfig("x", "s3://bucket/x")) == OK


def test_a_configuration_without_a_list_is_refused_over_rpc_and_changes_nothing() -> None:
    """C58."""
    world = serving(model("half", 1))
    ticket = world.reload(ServerConfig(None))
    assert ticket.status == invalid(
        "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported"
    )
    world.run_for(2.0)
    assert world.states("half") == {1: "AVAILABLE"}


def test_an_empty_list_is_accepted_and_unloads_everything_within_two_ticks() -> None:
    """E2, observed (h)."""
    world = serving(model("a", 1), model("b", 1))
    assert world.send().status == OK
    world.run_for(0.21)
    assert (world.states("a"), world.states("b")) == ({1: "END"}, {1: "END"})


def test_a_configured_model_cannot_change_its_platform() -> None:
    """Observed (m)."""
    world = serving(model("half", 1))
    assert world.send(replace(model("half", 1), platform="pytorch")).status == invalid(
        "Illegal to change a model's platform. "
        "For model half platform was tensorflow and new platform requested is pytorch"
    )
    assert world.send(model("half", 1)).status == OK


def test_a_configured_model_that_loses_its_platform_is_refused_without_poison() -> None:
    """Behaviour 3.5: caught at step 4 for a name that exists."""
    world = serving(model("np", 1))
    assert world.send(NO_PLATFORM).status == NEITHER
    assert world.send(model("np", 1)).status == OK


def test_a_new_model_without_platform_poisons_every_later_reload_and_its_labels_count() -> None:
    """C59, E20: labels applied, versions not, and then nothing is accepted any more."""
    good = model("half", 1, 2, labels={"stable": 1})
    world = serving(good, on_disk={"half": (1, 2, 3)})
    assert world.send(model("half", 1, 2, 3, labels={"stable": 2}), NO_PLATFORM).status == NEITHER
    assert world.asks("half", label="stable") == 2
    world.run_for(3.0)
    assert world.state("half", 3) is None
    assert world.send(good).status == NEITHER
    assert world.send().status == NEITHER


def test_the_poison_works_even_when_the_label_check_refused_the_request() -> None:
    """Observed (m): the configuration is stored before labels are checked."""
    world = serving(model("half", 1, labels={"stable": 1}))
    ticket = world.send(model("half", 1, labels={"stable": 7}), NO_PLATFORM)
    assert ticket.status is not None
    assert ticket.status.code is Code.FAILED_PRECONDITION
    assert world.send(model("half", 1)).status == NEITHER


def test_an_unsupported_platform_applies_its_labels_and_sticks_to_the_name() -> None:
    """C60, E21: refused as a change afterwards, until one reload without the name has gone through."""
    world = serving(model("half", 1, 2, labels={"stable": 1}), on_disk={"half": (1, 2, 3), "np2": (1,)})
    bad = replace(model("np2", 1), platform="pytorch")
    assert world.send(model("half", 1, 2, 3, labels={"stable": 2}), bad).status == invalid(
        "Model np2 requests unsupported platform pytorch"
    )
    assert world.asks("half", label="stable") == 2
    world.run_for(2.0)
    assert world.state("half", 3) is None
    half = model("half", 1, 2)
    assert world.send(half, model("np2", 1)).status == invalid(
        "Illegal to change a model's platform. "
        "For model np2 platform was pytorch and new platform requested is tensorflow"
    )
    assert world.send(half).status == OK
    assert world.apply(half, model("np2", 1)) == OK


def test_a_request_refused_for_its_labels_still_is_the_base_of_the_platform_check() -> None:
    """C16."""
    world = serving(model("half", 1), on_disk={"c": (1,)})
    world.send(model("half", 1, labels={"x": 9}), replace(model("c", 1), platform="p2"))
    assert world.send(model("half", 1), model("c", 1)).status == invalid(
        "Illegal to change a model's platform. For model c platform was p2 and new platform requested is tensorflow"
    )
    assert world.send(model("half", 1)).status == OK
    assert world.apply(model("half", 1), model("c", 1)) == OK


def test_the_deprecated_type_is_a_platform_but_not_together_with_one() -> None:
    """C61 and the texts of GetPlatform."""
    world = serving(on_disk={"m": (1,)})
    assert world.apply(replace(model("m", 1), platform="", model_type=1)) == OK
    world = serving(on_disk={"m": (1,)})
    assert world.send(replace(model("m", 1), model_type=1)).status == invalid(
        "Illegal setting both ModelServerConfig::model_type (deprecated) and ModelServerConfig::model_platform, "
        "model name is m"
    )
    world = serving(on_disk={"m": (1,)})
    assert world.send(replace(model("m", 1), platform="", model_type=2)).status == invalid(
        "ModelServerConfig::model_type choice 2 not supported."
    )


def test_a_logging_config_is_refused_after_everything_else_was_applied() -> None:
    """C62, E22; and the same again, because nothing of it was wrong before step 11."""
    world = serving(model("half", 1), on_disk={"half": (1, 2), "new": (1,)})
    logging = (replace(model("half", 1, 2), logging=True), model("new", 1))
    for _ in range(2):
        assert world.apply(*logging) == invalid("No request-logger-creator provided.")
    world.run_for(2.0)
    assert world.states("half") == {2: "AVAILABLE", 1: "AVAILABLE"}
    assert world.states("new") == {1: "AVAILABLE"}


def test_an_empty_model_name_is_accepted_and_shown_but_can_never_be_addressed() -> None:
    """Behaviour 3.2 step 3."""
    world = serving(on_disk={"x": (1,)})
    assert world.apply(ModelConfig("", "/models/x")) == OK
    assert world.states("") == {1: "AVAILABLE"}
    assert world.asks("") == "ModelSpec has no name specified."


def test_a_dropped_model_loses_labels_at_once_and_its_versions_within_a_tick_each() -> None:
    """C39, observed (d): needs no poll."""
    world = serving(model("half", 1, 2, labels={"stable": 1}), model("b", 1))
    assert world.send(model("b", 1)).status == OK
    assert world.asks("half", label="stable") == "Unrecognized servable version label: stable"
    world.run_for(0.11)
    assert world.states("half") == {2: "AVAILABLE", 1: "END"}
    world.run_for(0.1)
    assert world.states("half") == {2: "END", 1: "END"}
    assert world.asks("half") == "Servable not found for request: Latest(half)"


def test_a_model_dropped_and_seen_to_end_can_be_added_again_with_the_same_numbers() -> None:
    """C40."""
    world = serving(model("half", 1))
    world.send()
    world.run_for(1.3)
    assert world.apply(model("half", 1)) == OK
    assert world.states("half") == {1: "AVAILABLE"}


def test_reloads_are_serialised_and_the_last_one_wins_completely() -> None:
    """Observed (l): no merge."""
    world = serving(model("half", 1), on_disk={"half": (1, 2, 3)})
    assert world.send(model("half", 1, 2)).status == OK
    assert world.send(model("half", 1, 3)).status == OK
    world.run_for(3.0)
    assert world.states("half") == {3: "AVAILABLE", 1: "AVAILABLE"}


def test_the_order_of_the_entries_means_nothing() -> None:
    """Behaviour 3.6."""
    world = serving(model("a", 1), model("b", 1))
    before = len(world.history)
    assert world.send(model("b", 1), model("a", 1)).status == OK
    world.run_for(3.0)
    assert len(world.history) == before


def test_the_same_number_under_another_base_path_is_not_loaded_again() -> None:
    """C41, C42, E18."""
    world = serving(model("m", 1))
    world.disk.add("/elsewhere/m", 1, 5)
    assert world.send(ModelConfig("m", "/elsewhere/m", policy=Specific((1, 5)))).status == OK
    world.run_for(3.0)
    paths = {}
    for version in (1, 5):
        found = world.core.resolve("m", version)
        assert not isinstance(found, Status)
        paths[version] = found[1].key.path
    assert paths == {1: "/models/m/1", 5: "/elsewhere/m/5"}


def test_unknown_models_and_versions_are_not_found_with_their_names() -> None:
    """C3, C4."""
    world = serving(model("M", 123, 124))
    core = world.core
    assert core.get_model_status("nope") == Status(Code.NOT_FOUND, "Could not find any versions of model nope")
    assert core.get_model_status("M", 125) == Status(Code.NOT_FOUND, "Could not find version 125 of model M")
    assert core.get_model_status("") == Status(Code.NOT_FOUND, "Could not find any versions of model ")


def test_versions_come_in_descending_order_and_healthy_ones_say_nothing() -> None:
    """C1, C5."""
    world = serving(model("M", 1, 2, 10))
    statuses = world.core.statuses("M")
    assert [status.version for status in statuses] == [10, 2, 1]
    assert all(status.status == OK for status in statuses)


def test_a_version_just_accepted_by_a_reload_is_absent_until_the_poll() -> None:
    """Observed GetModelStatus."""
    world = serving(model("half", 1), on_disk={"half": (1, 2)})
    world.send(model("half", 1, 2))
    assert world.core.get_model_status("half", 2) == Status(Code.NOT_FOUND, "Could not find version 2 of model half")
    world.run_for(2.0)
    assert world.story("half")[-3:] == [(2, "START"), (2, "LOADING"), (2, "AVAILABLE")]


def test_end_entries_stay_for_ever_and_are_overwritten_when_loaded_again() -> None:
    """E28, C40."""
    world: World = serving(model("half", 1, 2))
    world.send(model("half", 2))
    world.run_for(50.0)
    assert world.states("half") == {2: "AVAILABLE", 1: "END"}
    world.send(model("half", 1, 2))
    world.run_for(2.0)
    assert world.states("half") == {2: "AVAILABLE", 1: "AVAILABLE"}


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        (replace(model("np", 1), model_type=1), "Illegal setting both"),
        (replace(model("np", 1), platform="", model_type=2), "ModelServerConfig::model_type choice 2 not supported."),
    ],
)
def test_a_new_model_with_a_contradictory_platform_poisons_as_one_without(broken: ModelConfig, text: str) -> None:
    """Behaviour 3.5, fourth row: every later reload stumbles over the stored one."""
    world = serving(model("half", 1))
    for sent in ((model("half", 1), broken), (model("half", 1),), ()):
        status = world.send(*sent).status
        assert status is not None
        assert status.message.startswith(text)
    world.run_for(3.0)
    assert world.states("half") == {1: "AVAILABLE"}


@pytest.mark.parametrize(("path", "is_uri"), [("ab://x", True), ("a.b://", True), ("a://x", False), ("1b://x", False)])
def test_a_scheme_begins_with_a_letter_and_has_at_least_two_characters(path: str, *, is_uri: bool) -> None:
    """``ParseURI`` scans one letter and then one or more letters, digits or dots."""
    status = serving().send(ModelConfig("m", path)).status
    assert (status is None) is is_uri


def test_labels_are_swapped_before_the_list_of_models_and_stay_swapped_when_that_blocks() -> None:
    """Behaviour 3.5: a blocked reload has applied everything."""
    world = serving(model("half", 1, 2, labels={"stable": 1}))
    blocked = world.send(model("half", 1, 2, labels={"stable": 2}), model("nowhere", 1))
    world.run_for(60.0)
    assert not blocked.done
    assert world.asks("half", label="stable") == 2
