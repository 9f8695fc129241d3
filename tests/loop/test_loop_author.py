"""What bots write into a real repository: which bytes change, which do not, and what the commit says."""

from dataclasses import dataclass
from pathlib import Path

import pygit2
import pytest
from repositories import Repository

from reconciler.adapters.git import GitMirror, GitRemote
from reconciler.adapters.git_line import GitLine
from reconciler.adapters.git_writer import GitWriter, Identity
from reconciler.errors import RevisionRefused
from reconciler.loop.author import Author
from reconciler.propose import Bot, Edit, Proposal
from reconciler.state.automation import Via
from reconciler.state.desired import Commit

FLEET = """\
apiVersion: reconciler.tfserving/v1alpha1
kind: Fleet
metadata: {name: eu}
spec:
  servers:
    - {name: gpu-1, grpc: "gpu-1:8500"}
"""
HALF = """\
# half plus two, owned by Ada
apiVersion: reconciler.tfserving/v1alpha1
kind: Model
metadata: {name: half}
spec:
  placement: [{fleet: eu}]
  basePath: /models/half
  versions:
    specific: [1]    # one is enough
  labels:
    stable: 1        # clients ask for this
  checks:
    - {name: golden, kind: request, request: checks/half.json, expect: checks/half.expected.json}
"""
CANARY = HALF.replace("[1] ", "[1, 2] ").replace("stable: 1 ", "stable: 1\n    canary: 2 ")
OTHER = HALF.replace("half", "other").replace("/models/other", "/models/o")
ASKED, ANSWERED = '{"instances": [1]}', '{"predictions": [1]}'
FILES = {"checks/half.json": ASKED, "checks/half.expected.json": ANSWERED}
FILES |= {"checks/other.json": ASKED, "checks/other.expected.json": ANSWERED}


@dataclass
class Desk:
    """A remote repository, a mirror of it, and an author with it."""

    remote: Repository
    mirror: GitMirror
    author: Author

    def commit(self, message: str, **files: str) -> Commit:
        """A commit with the fleet, the files of checks, and these; the mirror has it."""
        given = {name if "." in name else f"{name.replace('__', '/')}.yaml": text for name, text in files.items()}
        made = self.remote.commit({"fleet.yaml": FLEET} | FILES | given, message)
        self.mirror.poll()
        return self.mirror.commit(made)

    def text(self, commit: str, path: str) -> str:
        blob = next(each.blob for each in self.mirror.files(commit) if each.path == path)
        return self.mirror.read(blob, 10**6).decode()

    def changed(self, commit: str) -> list[str]:
        """The paths in which a commit differs from the head."""
        head = self.mirror.head() or ""
        before = {each.path: each.blob for each in self.mirror.files(head)}
        after = {each.path: each.blob for each in self.mirror.files(commit)}
        return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def author(mirror: GitMirror, below: str = "") -> Author:
    return Author(lambda: GitLine(mirror.path), GitWriter(mirror, Identity("Bot", "bot@example.org")), below)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    remote = Repository(tmp_path / "desired.git")
    mirror = GitMirror(tmp_path / "mirror.git", GitRemote(remote.url))
    return Desk(remote, mirror, author(mirror))


def message(desk: Desk, commit: str) -> str:
    return pygit2.Repository(str(desk.mirror.path))[commit].peel(pygit2.Commit).message


def edit(of: Commit, changes: Edit) -> Proposal:
    return Proposal(Bot.VERSION, "half", "2", Via.PUSH, of, "version 2 lies in storage", edit=changes)


def back(of: Commit, to: Commit) -> Proposal:
    why = "CheckFailed on eu/gpu-1: expected 1, got 2"
    return Proposal(Bot.ROLLBACK, "half", "12345678", Via.PUSH, of, why, (why,), to=to, deployment="d41")


def test_an_edit_changes_the_labels_and_versions_and_nothing_else(desk: Desk) -> None:
    head = desk.commit("1 is live", models__half=HALF)
    made = desk.author.write(edit(head, Edit((("canary", 2),), (1, 2))), head.id)
    assert desk.changed(made) == ["models/half.yaml"]
    expected = HALF.replace("[1] ", "[1, 2] ").replace("for this\n", "for this\n    canary: 2\n")
    assert desk.text(made, "models/half.yaml") == expected


def test_a_promotion_that_drops_the_old_version_keeps_every_comment(desk: Desk) -> None:
    head = desk.commit("2 is canary", models__half=CANARY)
    made = desk.author.write(edit(head, Edit((("stable", 2),), (2,))), head.id)
    text = desk.text(made, "models/half.yaml")
    assert text == CANARY.replace("[1, 2]", "[2]").replace("stable: 1", "stable: 2")


def test_the_message_carries_the_reason_and_the_trailers(desk: Desk) -> None:
    good = desk.commit("1 is live", models__half=HALF)
    head = desk.commit("2 as well", models__half=CANARY)
    made = desk.mirror.commit(desk.author.write(back(head, good), head.id))
    assert made.subject == "Roll back half: 2 as well"
    assert dict(made.trailers) == {
        "Rollback-Of": head.id,
        "Rollback-To": good.id,
        "Rollback-Scope": "half",
        "Rollback-Reason": "CheckFailed on eu/gpu-1: expected 1, got 2",
        "Rollback-Trigger": "auto",
        "Deployment-Id": "d41",
        "Reconciler-Bot": "rollback",
    }


def test_a_rollback_brings_the_document_back_and_leaves_others_in_the_same_file(desk: Desk) -> None:
    good = desk.commit("both", all=HALF + "---\n" + OTHER)
    newer = OTHER.replace("one is enough", "still one")
    head = desk.commit("half 2", all=CANARY + "---\n" + newer)
    made = desk.author.write(back(head, good), head.id)
    assert desk.text(made, "all.yaml") == HALF + "---\n" + newer


def test_a_rollback_finds_the_document_in_the_file_where_it_was(desk: Desk) -> None:
    good = desk.commit("1 is live", old__half=HALF)
    head = desk.commit("2, elsewhere", new__half=CANARY)
    made = desk.author.write(back(head, good), head.id)
    assert desk.changed(made) == ["new/half.yaml"]
    assert desk.text(made, "new/half.yaml") == HALF


def test_the_files_of_its_checks_come_back_too(desk: Desk) -> None:
    good = desk.commit("1 is live", models__half=HALF)
    expects = {"checks/half.expected.json": '{"predictions": [2]}'}
    head = desk.commit("2 as well", models__half=CANARY, **expects)
    made = desk.author.write(back(head, good), head.id)
    assert desk.changed(made) == ["checks/half.expected.json", "models/half.yaml"]
    assert desk.text(made, "checks/half.expected.json") == FILES["checks/half.expected.json"]


def test_a_check_file_that_another_model_asks_with_stays_as_it_is(desk: Desk) -> None:
    sharing = OTHER.replace("checks/other.expected.json", "checks/half.expected.json")
    good = desk.commit("1 is live", models__half=HALF, models__other=sharing)
    expects = {"checks/half.expected.json": '{"predictions": [2]}'}
    head = desk.commit("2 as well", models__half=CANARY, models__other=sharing, **expects)
    assert desk.changed(desk.author.write(back(head, good), head.id)) == ["models/half.yaml"]


def test_a_check_file_that_stays_is_told_in_the_commit(desk: Desk) -> None:
    sharing = OTHER.replace("checks/other.expected.json", "checks/half.expected.json")
    good = desk.commit("1 is live", models__half=HALF, models__other=sharing)
    expects = {"checks/half.expected.json": '{"predictions": [2]}'}
    head = desk.commit("2 as well", models__half=CANARY, models__other=sharing, **expects)
    made = desk.author.write(back(head, good), head.id)
    assert "because other asks with it too" in " ".join(message(desk, made).split())


@pytest.mark.parametrize(
    "edited", [CANARY.replace("Ada", "Grace"), CANARY + "  blockedVersions: [3]\n", CANARY + "  retry: {limit: 2}\n"]
)
def test_what_a_person_edited_after_the_failed_commit_is_not_undone(desk: Desk, edited: str) -> None:
    good = desk.commit("1 is live", models__half=HALF)
    failed = desk.commit("2 as well", models__half=CANARY)
    head = desk.commit("an edit since", models__half=edited)
    with pytest.raises(RevisionRefused, match="was edited again after commit") as refused:
        desk.author.write(back(failed, good), head.id)
    assert "reconciler rollback half --push" in str(refused.value)


def test_a_failed_spec_that_came_with_a_slip_elsewhere_is_taken_back_too(desk: Desk) -> None:
    good = desk.commit("1 is live", models__half=HALF)
    failed = desk.commit("2 as well", models__half=CANARY, models__other=OTHER.replace("stable: 1", "stable: 7"))
    head = desk.commit("mend the slip", models__half=CANARY, models__other=OTHER)
    made = desk.author.write(back(failed, good), head.id)
    assert desk.text(made, "models/half.yaml") == HALF


def test_a_document_comes_back_from_a_commit_with_a_slip_elsewhere(desk: Desk) -> None:
    desk.commit("1 is live", models__half=HALF)
    good = desk.commit("a slip", models__half=HALF, models__other=OTHER.replace("stable: 1", "stable: 7"))
    head = desk.commit("2 as well, and mended", models__half=CANARY, models__other=OTHER)
    made = desk.author.write(back(head, good), head.id)
    assert desk.text(made, "models/half.yaml") == HALF


def test_an_edit_of_another_document_of_the_file_does_not_stand_in_the_way(desk: Desk) -> None:
    good = desk.commit("both", all=OTHER + "---\n" + HALF)
    failed = desk.commit("2 as well", all=OTHER + "---\n" + CANARY)
    newer = OTHER.replace("one is enough", "still one")
    head = desk.commit("an edit since", all=newer + "---\n" + CANARY)
    made = desk.author.write(back(failed, good), head.id)
    assert desk.text(made, "all.yaml") == newer + "---\n" + HALF


def test_a_commit_that_would_not_be_valid_is_refused_with_its_problems(desk: Desk) -> None:
    head = desk.commit("2 as well", models__half=CANARY)
    with pytest.raises(RevisionRefused, match="not valid") as refused:
        desk.author.write(edit(head, Edit((("stable", 3),), (1, 2))), head.id)
    assert "half.yaml" in str(refused.value)


def test_a_model_that_no_server_has_is_refused_by_name(desk: Desk) -> None:
    head = desk.commit("nothing", models__other=OTHER)
    with pytest.raises(RevisionRefused, match="places no Model half"):
        desk.author.write(edit(head, Edit((), (1,))), head.id)


def test_a_pushed_commit_is_the_new_head(desk: Desk) -> None:
    head = desk.commit("1 is live", models__half=HALF)
    made = desk.author.write(edit(head, Edit((("canary", 2),), (1, 2))), head.id)
    desk.author.push(made, "")
    assert desk.mirror.poll() == made


def test_a_proposal_goes_to_its_own_branch(desk: Desk) -> None:
    head = desk.commit("1 is live", models__half=HALF)
    made = desk.author.write(edit(head, Edit((("canary", 2),), (1, 2))), head.id)
    desk.author.push(made, "reconciler/version/half-2")
    desk.author.push(made, "reconciler/version/half-2")
    assert desk.mirror.poll() == head.id
    assert desk.mirror.examine("reconciler/version/half-2") == made


# -- history -----------------------------------------------------------------------------------------------------------


def told(desk: Desk, head: str) -> list[tuple[dict[str, int], str, str]]:
    """The chapters of `half`: labels, subject of the first and of the last commit."""
    found = desk.author.history(head, frozenset({"half"}))["half"]
    return [
        (dict(each.spec.labels) if each.spec is not None else {}, each.first.subject, each.last.subject)
        for each in found
    ]


def test_a_chapter_ends_where_the_spec_changes_and_not_where_the_text_does(desk: Desk) -> None:
    desk.commit("1 is live", models__half=HALF)
    desk.commit("a comment", models__half=HALF.replace("Ada", "Grace"))
    desk.commit("something else", models__half=HALF.replace("Ada", "Grace"), models__other=OTHER)
    head = desk.commit("2 as well", models__half=CANARY)
    assert told(desk, head.id) == [
        ({"stable": 1, "canary": 2}, "2 as well", "2 as well"),
        ({"stable": 1}, "1 is live", "something else"),
    ]


def test_another_expectation_begins_a_chapter(desk: Desk) -> None:
    desk.commit("1 is live", models__half=HALF)
    head = desk.commit("expect more", models__half=HALF, **{"checks/half.expected.json": '{"predictions": [9]}'})
    assert [each[1] for each in told(desk, head.id)] == ["expect more", "1 is live"]


def test_a_document_that_moved_is_followed(desk: Desk) -> None:
    desk.commit("1 is live", a=HALF)
    desk.commit("moved", models__b=OTHER + "---\n" + HALF)
    head = desk.commit("2 as well", models__b=OTHER + "---\n" + CANARY)
    assert [each[1:] for each in told(desk, head.id)] == [("2 as well", "2 as well"), ("1 is live", "moved")]


def test_history_ends_where_the_model_came(desk: Desk) -> None:
    desk.commit("before", models__other=OTHER)
    head = desk.commit("1 is live", models__half=HALF)
    assert told(desk, head.id) == [({"stable": 1}, "1 is live", "1 is live")]


def test_what_was_never_valid_is_no_chapter(desk: Desk) -> None:
    desk.commit("1 is live", models__half=HALF)
    desk.commit("a slip", models__half=HALF.replace("stable: 1", "stable: 7"))
    head = desk.commit("2 as well", models__half=CANARY)
    assert [each[1:] for each in told(desk, head.id)] == [("2 as well", "2 as well"), ("1 is live", "1 is live")]


def test_a_spec_that_came_with_a_slip_elsewhere_is_a_chapter_once_that_is_mended(desk: Desk) -> None:
    desk.commit("1 is live", models__half=HALF)
    desk.commit("2 as well", models__half=CANARY, models__other=OTHER.replace("stable: 1", "stable: 7"))
    head = desk.commit("mend the slip", models__half=CANARY, models__other=OTHER)
    assert [each[1:] for each in told(desk, head.id)] == [("2 as well", "mend the slip"), ("1 is live", "1 is live")]


def test_a_spec_that_came_with_a_slip_elsewhere_and_went_with_it_is_no_chapter(desk: Desk) -> None:
    desk.commit("1 is live", models__half=HALF)
    desk.commit("2 as well", models__half=CANARY, models__other=OTHER.replace("stable: 1", "stable: 7"))
    head = desk.commit("not so", models__half=HALF, models__other=OTHER)
    assert [each[1:] for each in told(desk, head.id)] == [("1 is live", "not so")]


def test_only_the_watched_folder_counts(tmp_path: Path) -> None:
    remote = Repository(tmp_path / "desired.git")
    checks = {f"live/{path}": text for path, text in FILES.items()}
    made = remote.commit({"live/fleet.yaml": FLEET, "live/half.yaml": HALF, "draft/half.yaml": CANARY, **checks})
    mirror = GitMirror(tmp_path / "mirror.git", GitRemote(remote.url))
    mirror.poll()
    commit = author(mirror, "live").write(edit(mirror.commit(made), Edit((("canary", 2),), (1, 2))), made)
    blob = next(each.blob for each in mirror.files(commit) if each.path == "draft/half.yaml")
    assert mirror.read(blob, 10**6).decode() == CANARY
