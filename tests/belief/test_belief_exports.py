"""Which exports are read, when again, and what is noticed of files changed under a loaded version."""

from dataclasses import replace

from builders import config, model, server

from reconciler import belief
from reconciler.belief import exports
from reconciler.sim.storage import USUAL
from reconciler.state.look import Look, PathFacts, Presence, VersionFiles, VersionState
from reconciler.state.memory import Memory, Replaced, Standing, VersionMemory

NEW = server(model("half", (1, 2), stable=2))
SENT = config(half={"versions": (1,), "stable": 1})
MEMORY = replace(belief.first_contact(NEW), standing=Standing.KNOWN, sent=SENT)


def stored(**prints: str) -> tuple[PathFacts, ...]:
    files = tuple(VersionFiles(int(number.strip("v")), (), 1, print_) for number, print_ in prints.items())
    return (PathFacts("/models/half", Presence.SEEN, files),)


def read(memory: Memory, version: int, fingerprint: str) -> Memory:
    export = replace(USUAL, base_path="/models/half", version=version, fingerprint=fingerprint)
    return exports.folded(NEW, memory, Look("eu/gpu-1", 1.0, exports=(export,)))


def test_both_ends_of_a_label_move_are_read() -> None:
    assert exports.wanted(NEW, MEMORY, SENT) == (("/models/half", 1), ("/models/half", 2))


def test_nothing_is_read_where_no_label_moves() -> None:
    same = server(model("half", (1, 2), stable=1))
    assert exports.wanted(same, MEMORY, SENT) == ()


def test_a_new_label_leaves_nobody_and_needs_no_comparison() -> None:
    assert exports.wanted(server(model("half", (1, 2), stable=1, canary=2)), MEMORY, SENT) == ()


def test_an_export_is_read_once_as_long_as_its_files_stay_the_same() -> None:
    memory = read(replace(MEMORY, paths=stored(v1="sha256:1", v2="sha256:2")), 1, "sha256:1")
    assert exports.wanted(NEW, memory, SENT) == (("/models/half", 2),)


def test_an_export_is_read_again_when_its_files_changed() -> None:
    memory = read(replace(MEMORY, paths=stored(v1="sha256:new", v2="sha256:2")), 1, "sha256:1")
    assert ("/models/half", 1) in exports.wanted(NEW, memory, SENT)


def test_an_export_whose_files_are_gone_is_remembered() -> None:
    memory = read(replace(MEMORY, paths=stored(v2="sha256:2")), 1, "sha256:1")
    assert exports.wanted(NEW, memory, SENT) == (("/models/half", 2),)


def test_exports_of_versions_that_nothing_names_are_forgotten() -> None:
    memory = read(read(MEMORY, 1, "sha256:1"), 9, "sha256:9")
    assert [each.version for each in memory.exports] == [1]


def loaded(fingerprint: str, state: VersionState = VersionState.AVAILABLE) -> Memory:
    return replace(MEMORY, versions=(VersionMemory("half", 1, state, fingerprint=fingerprint),))


def facts(fingerprint: str) -> dict[str, PathFacts]:
    return {each.base_path: each for each in stored(v1=fingerprint)}


def test_files_changed_under_a_loaded_version_are_noticed() -> None:
    assert exports.replaced(loaded("sha256:was"), facts("sha256:is")) == (
        Replaced("half", 1, "sha256:was", "sha256:is"),
    )


def test_files_that_are_being_touched_are_judged_when_they_rest() -> None:
    assert exports.replaced(loaded("sha256:was"), facts("")) == ()


def test_a_version_of_which_it_is_not_known_what_was_loaded_is_not_judged() -> None:
    assert exports.replaced(loaded(""), facts("sha256:is")) == ()


def test_files_of_a_version_that_is_not_loaded_may_change() -> None:
    assert exports.replaced(loaded("sha256:was", VersionState.END), facts("sha256:is")) == ()
