from dataclasses import replace

from builders import checking, model, resource

from reconciler.expose import costs, words
from reconciler.expose.costs import Held
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import DesiredModel, Retry, Suspend, TransitionPolicy
from reconciler.state.look import PathFacts, Presence, VersionFiles, VersionState
from reconciler.state.memory import Memory, VersionMemory
from reconciler.state.versions import Latest, specific

GIB = 1 << 30
OLD = model("fashion", (40, 41), stable=41)
NEW = model("fashion", (41, 42), stable=42)
BOTH = Held("eu/gpu-1", (41, 42), ((41, 2 * GIB), (42, 3 * GIB)), 48.0)
ONLY_NEW = replace(BOTH, loaded=(42,))


def told(before: DesiredModel | None, after: DesiredModel, *held: Held) -> str:
    return costs.cost_text([costs.cost(before, after, each) for each in held], after)


def test_a_promotion_is_said_by_labels_and_versions() -> None:
    assert costs.asked(OLD, NEW) == "stable 41 → 42, adds version 42, drops version 40"


def test_equal_specs_ask_for_nothing() -> None:
    assert costs.asked(OLD, replace(OLD, place=NEW.place)) == ""


def test_a_model_that_comes_is_said_with_all_that_it_serves() -> None:
    assert costs.asked(None, OLD) == "adds the model: versions 40, 41; stable 41"


def test_a_model_that_goes_is_said_with_what_it_served() -> None:
    assert costs.asked(OLD, None) == "removes the model (versions 40, 41; stable 41)"


def test_labels_that_come_and_go_are_said() -> None:
    assert costs.asked(OLD, model("fashion", (40, 41), canary=40)) == "canary none → 40, drops label stable (was 41)"


def test_a_change_of_who_chooses_versions_is_said() -> None:
    assert costs.asked(model("m", (1, 2)), model("m", Latest(2))) == "versions 1, 2 → latest 2"


def test_settings_that_change_are_named() -> None:
    after = replace(OLD, retry=Retry(5), checks=(checking("golden"),), base_path="/new/fashion")
    assert costs.asked(OLD, after) == "base path /models/fashion → /new/fashion, adds check golden, changes retry"


def test_a_suspension_is_said_with_its_reason_shown_harmlessly() -> None:
    after = replace(OLD, suspend=Suspend("look \x1b[2J", "ada"))
    assert costs.asked(OLD, after) == "suspends it (look \\x1b[2J, ada)"
    assert costs.asked(after, OLD) == "resumes it"


def test_going_back_to_a_resident_version_is_a_label_flip() -> None:
    back = model("fashion", (41, 42), stable=41)
    assert told(NEW, back, BOTH) == "label flip only, no load"


def test_a_label_flip_after_which_a_version_goes_says_so() -> None:
    assert told(NEW, model("fashion", (41,), stable=41), BOTH) == "label flip only, no load, then v42 goes"


def test_a_load_is_said_with_its_size_and_how_long_the_last_one_took() -> None:
    said = told(NEW, model("fashion", (41,), stable=41), ONLY_NEW)
    assert said == "needs load of v41, 2 GiB, last load took 48 s; v42 stays serving until then"


def test_a_load_under_resource_says_that_its_labels_answer_nobody_meanwhile() -> None:
    said = told(NEW, resource(model("fashion", (41,), stable=41)), ONLY_NEW)
    assert said.endswith("v42 is unloaded first, so its labels answer nobody meanwhile (policy resource)")


def test_a_load_under_auto_says_that_memory_decides() -> None:
    after = model("fashion", (41,), stable=41)
    after = replace(after, transition=replace(after.transition, policy=TransitionPolicy.AUTO))
    assert told(NEW, after, ONLY_NEW).endswith("v42 stays serving until then where memory holds both (policy auto)")


def test_a_version_whose_files_are_gone_is_said_to_be_unloadable() -> None:
    there = Held("eu/gpu-1", (42,), ((42, 3 * GIB),))
    found = costs.cost(NEW, model("fashion", (41,), stable=41), there)
    assert found.gone == (41,)
    assert costs.cost_text([found], NEW) == (
        "needs load of v41, a load was never measured here; the files of v41 are gone from storage, so it cannot be "
        "loaded"
    )


def test_files_in_storage_that_was_not_seen_are_not_said_to_be_gone() -> None:
    assert costs.cost(NEW, OLD, Held("eu/gpu-1", (42,))).gone == ()


def test_servers_that_hold_different_versions_are_told_apart() -> None:
    back = model("fashion", (41,), stable=41)
    other = replace(ONLY_NEW, server="eu/gpu-2")
    assert told(NEW, back, BOTH, other) == (
        "label flip only, no load, then v42 goes (eu/gpu-1); "
        "needs load of v41, 2 GiB, last load took 48 s; v42 stays serving until then (eu/gpu-2)"
    )


def test_what_the_server_chooses_by_itself_is_not_forecast() -> None:
    said = told(None, model("fashion", Latest(1)), BOTH)
    assert said == "the server chooses by itself what it loads (latest 1)"


def test_a_spec_that_is_held_already_costs_nothing() -> None:
    assert told(NEW, NEW, BOTH) == "nothing: it is held already"


def test_what_a_server_holds_is_what_is_available_listed_and_not_suspect() -> None:
    memory = Memory(
        "eu/gpu-1",
        "gpu-1:8500",
        sent=ServerConfig((ModelConfig("fashion", "/models/fashion", specific(41, 42, 43)),)),
        versions=(
            VersionMemory("fashion", 40, VersionState.AVAILABLE),
            VersionMemory("fashion", 41, VersionState.AVAILABLE),
            VersionMemory("fashion", 42, VersionState.LOADING),
            VersionMemory("fashion", 43, VersionState.AVAILABLE, suspect=True),
            VersionMemory("other", 41, VersionState.AVAILABLE),
        ),
        load_seconds=(("fashion", 48.0),),
        paths=(PathFacts("/models/fashion", Presence.SEEN, (VersionFiles(41, size=7),)),),
    )
    assert costs.held(memory, OLD) == Held("eu/gpu-1", (41,), ((41, 7),), 48.0)


def test_a_version_that_storage_has_in_part_is_gone_as_well() -> None:
    half = VersionFiles(41, lacks=("saved_model.pb",), size=7)
    memory = Memory("eu/gpu-1", "gpu-1:8500", paths=(PathFacts("/models/fashion", Presence.SEEN, (half,)),))
    back = model("fashion", (41,), stable=41)
    assert costs.cost(NEW, back, costs.held(memory, back)).gone == (41,)


def test_texts_from_outside_cannot_move_the_cursor_or_turn_the_writing() -> None:
    assert words.harmless("a\x1b[31mb\u202ec\r\nd\u2028é →") == "a\\x1b[31mb\\u202ec\\r\\nd\\u2028é →"
