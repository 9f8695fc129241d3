from pathlib import Path

import pytest
from source_histories import FLEET, THREE, Story, document

from reconciler.expose import costs
from reconciler.source.trail import Trail
from reconciler.state.history import Step

CHECK = "  checks:\n    - {name: golden, kind: request, request: ask.json, expect: answer.json}\n"


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "desired.git")


def trail(story: Story, head: str, name: str = "fashion") -> list[Step]:
    return list(Trail(story.line()).of_model(head, name))


def said(steps: list[Step]) -> list[tuple[str, str]]:
    """Each step as its commit and what it asked for."""
    return [(step.commit.id, _words(step)) for step in steps]


def _words(step: Step) -> str:
    (asked,) = step.asked
    before, after = (spec.model if spec is not None else None for spec in (asked.before, asked.after))
    return costs.asked(before, after)


def test_only_commits_that_change_the_model_are_on_its_trail(story: Story) -> None:
    first = story.commit({"models/fashion.yaml": document("fashion"), "models/other.yaml": document("other", "[1]", 1)})
    story.commit({"models/other.yaml": document("other", "[2]", 2)})
    third = story.commit({"models/fashion.yaml": document("fashion", "[41, 42]", 42)})
    head = story.commit({"README.md": "words"})
    assert said(trail(story, head)) == [
        (third, "stable 41 → 42, adds version 42"),
        (first, "adds the model: versions 41; stable 41"),
    ]


def test_a_change_of_layout_and_comments_asks_for_nothing(story: Story) -> None:
    first = story.commit({"fashion.yaml": document("fashion")})
    head = story.commit({"fashion.yaml": "# a comment\n" + document("fashion")})
    assert [step.commit.id for step in trail(story, head)] == [first]


def test_another_model_in_the_same_file_is_another_trail(story: Story) -> None:
    both = document("fashion") + "---\n" + document("other", "[1]", 1)
    first = story.commit({"all.yaml": both})
    head = story.commit({"all.yaml": both.replace("stable: 1\n", "stable: 2\n").replace("[1]", "[2]")})
    assert [step.commit.id for step in trail(story, head)] == [first]
    assert [step.commit.id for step in trail(story, head, "other")] == [head, first]


def test_a_document_that_moves_to_another_file_goes_on(story: Story) -> None:
    first = story.commit({"old.yaml": document("fashion")})
    story.commit({"old.yaml": None, "new.yaml": document("fashion")})
    head = story.commit({"new.yaml": document("fashion", "[41, 42]")})
    assert said(trail(story, head)) == [(head, "adds version 42"), (first, "adds the model: versions 41; stable 41")]


def test_a_renamed_document_goes_on_under_its_old_name(story: Story) -> None:
    named = "  modelName: fashion\n"
    first = story.commit({"m.yaml": document("vision", more=named)})
    second = story.commit({"m.yaml": document("fashion-eu", more=named)})
    steps = trail(story, second, "fashion-eu")
    assert [(step.commit.id, step.asked[0].was) for step in steps] == [(second, "vision"), (first, "")]


def test_a_model_that_was_removed_and_added_again_has_both_lives(story: Story) -> None:
    first = story.commit({"m.yaml": document("fashion")})
    second = story.commit({"m.yaml": None})
    story.commit({"other.yaml": document("other", "[1]", 1)})
    fourth = story.commit({"again.yaml": document("fashion", "[43]", 43)})
    assert said(trail(story, fourth)) == [
        (fourth, "adds the model: versions 43; stable 43"),
        (second, "removes the model (versions 41; stable 41)"),
        (first, "adds the model: versions 41; stable 41"),
    ]


def test_a_model_that_is_gone_is_found_where_it_was(story: Story) -> None:
    first = story.commit({"m.yaml": document("fashion")})
    head = story.commit({"m.yaml": None})
    assert [step.commit.id for step in trail(story, head)] == [head, first]


def test_a_model_that_never_was_has_no_trail(story: Story) -> None:
    head = story.commit({"m.yaml": document("fashion")})
    assert trail(story, head, "unheard-of") == []


def test_a_server_that_a_fleet_adds_is_a_change_of_where_the_model_is(story: Story) -> None:
    story.commit({"m.yaml": document("fashion")})
    head = story.commit({"fleet.yaml": THREE})
    (asked,) = trail(story, head)[0].asked
    assert asked.before is not None
    assert asked.after is not None
    assert asked.before.servers == ("eu/gpu-1", "eu/gpu-2")
    assert asked.after.servers == ("eu/gpu-1", "eu/gpu-2", "eu/gpu-3")


def test_a_setting_of_the_fleet_is_no_change_of_the_model(story: Story) -> None:
    first = story.commit({"m.yaml": document("fashion")})
    head = story.commit({"fleet.yaml": FLEET + "  prune: true\n"})
    assert [step.commit.id for step in trail(story, head)] == [first]


def test_a_file_that_a_check_names_is_part_of_the_model(story: Story) -> None:
    story.commit({"m.yaml": document("fashion", more=CHECK), "ask.json": "{}", "answer.json": "{}"})
    second = story.commit({"answer.json": '{"predictions": [2]}'})
    head = story.commit({"unnamed.json": "{}"})
    assert said(trail(story, head))[0] == (second, "changes check golden")


def test_a_document_that_is_not_sound_says_why(story: Story) -> None:
    first = story.commit({"m.yaml": document("fashion")})
    second = story.commit({"m.yaml": document("fashion").replace("basePath", "basepath")})
    head = story.commit({"m.yaml": document("fashion", "[41, 42]")})
    steps = trail(story, head)
    assert [step.commit.id for step in steps] == [head, second, first]
    assert "m.yaml:4:1 missing-field" in steps[1].problem


def test_a_file_that_is_no_yaml_any_more_does_not_remove_the_model(story: Story) -> None:
    story.commit({"m.yaml": document("fashion")})
    head = story.commit(
        {"m.yaml": document("fashion").replace("metadata: {name: fashion}", "metadata:\n  name: fashion\n x")}
    )
    (asked,) = trail(story, head)[0].asked
    assert asked.after is not None
    assert "m.yaml" in asked.after.problem


def test_only_the_first_parents_of_merges_count(story: Story) -> None:
    base = story.commit({"m.yaml": document("fashion")})
    files = {**story.files, "m.yaml": document("fashion", "[41, 42]")}
    side = story.repository.commit(files, "On a branch", branch="topic", parents=[base])
    merge = story.repository.commit(files, "Merge", parents=[base, side])
    assert [step.commit.id for step in trail(story, merge)] == [merge, base]


def test_where_a_shallow_clone_ends_nothing_is_said_to_be_added(story: Story) -> None:
    parent = story.commit({"m.yaml": document("fashion")})
    head = story.commit({"m.yaml": document("fashion", "[41, 42]")})
    (story.repository.path / "shallow").write_text(f"{head}\n")
    loose = story.repository.path / "objects" / parent[:2] / parent[2:]
    loose.unlink()
    (step,) = trail(story, head)
    assert step.edge


def test_a_name_spelled_with_escapes_is_found(story: Story) -> None:
    head = story.commit({"m.yaml": document('"f\\x61shion"')})
    assert [step.commit.id for step in trail(story, head)] == [head]


def test_documents_are_found_by_their_name_or_by_the_one_that_servers_use(story: Story) -> None:
    named = "  modelName: fashion\n"
    head = story.commit({"a.yaml": document("fashion-eu", more=named), "b.yaml": document("fashion-us", more=named)})
    finder = Trail(story.line())
    assert finder.documents(head, "fashion-us") == ("fashion-us",)
    assert finder.documents(head, "fashion") == ("fashion-eu", "fashion-us")
    assert finder.documents(head, "shoes") == ()


def test_symbolic_links_are_no_documents(story: Story) -> None:
    story.commit({"m.yaml": document("fashion")})
    head = story.commit({"m.yaml": None, "link.yaml": "->/etc/passwd"})
    assert said(trail(story, head))[0][1] == "removes the model (versions 41; stable 41)"


def test_a_folder_in_the_place_of_a_file_is_no_document(story: Story) -> None:
    story.commit({"m.yaml": document("fashion")})
    head = story.commit({"m.yaml": None, "m.yaml/x.yaml": document("fashion", "[42]", 42)})
    assert said(trail(story, head))[0][1] == "stable 41 → 42, adds version 42, drops version 41"


def test_the_watched_folder_is_all_that_counts(story: Story) -> None:
    story.files = {"live/fleet.yaml": FLEET}
    first = story.commit({"live/m.yaml": document("fashion"), "elsewhere/m.yaml": document("fashion", "[1]", 1)})
    head = story.commit({"elsewhere/m.yaml": document("fashion", "[2]", 2)})
    steps = list(Trail(story.line(), "live").of_model(head, "fashion"))
    assert [step.commit.id for step in steps] == [first]


def test_a_hundred_commits_about_others_cost_no_reading(story: Story) -> None:
    story.commit({"m.yaml": document("fashion"), "other.yaml": document("other", "[1]", 1)})
    for version in range(2, 102):
        head = story.commit({"other.yaml": document("other", f"[{version}]", version)})
    line = story.line()
    list(Trail(line).of_model(head, "fashion"))
    assert len(line.read_blobs) == len({"fleet.yaml", "m.yaml", "other.yaml now", "other.yaml in the first commit"})


def test_every_version_of_the_file_is_read_once(story: Story) -> None:
    for version in range(1, 51):
        head = story.commit({"m.yaml": document("fashion", f"[{version}]", version)})
    line = story.line()
    assert len(list(Trail(line).of_model(head, "fashion"))) == 50
    assert len(line.read_blobs) == 50 + 1


def test_every_commit_says_what_it_changes_in_any_document(story: Story) -> None:
    first = story.commit({"m.yaml": document("fashion")})
    second = story.commit({"fleet.yaml": THREE, "other.yaml": document("other", "[1]", 1)})
    head = story.commit({"README.md": "words"})
    steps = list(Trail(story.line()).of_all(head))
    assert [(step.commit.id, [asked.document for asked in step.asked], step.others) for step in steps] == [
        (second, ["other"], ("adds eu/gpu-3",)),
        (first, ["fashion"], ("adds the Fleet eu",)),
    ]


def test_the_servers_of_a_change_are_those_of_the_fleet_at_that_commit(story: Story) -> None:
    story.commit({"m.yaml": document("fashion")})
    second = story.commit({"m.yaml": document("fashion", "[41, 42]")})
    head = story.commit({"fleet.yaml": THREE})
    steps = {step.commit.id: step for step in Trail(story.line()).of_all(head)}
    after = steps[second].asked[0].after
    assert after is not None
    assert after.servers == ("eu/gpu-1", "eu/gpu-2")


def test_what_a_message_claims_to_revert_is_named(story: Story) -> None:
    first = story.commit({"m.yaml": document("fashion")})
    head = story.commit({"m.yaml": None}, f'Revert "Change something"\n\nThis reverts commit {first}.\n')
    assert trail(story, head)[0].reverts == (first,)
