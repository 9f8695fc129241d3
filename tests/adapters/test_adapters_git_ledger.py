"""The published ledger on real repositories: read with plain git, one writer per ref, nothing ever overwritten."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from githost import serving
from repositories import Repository
from signing import ssh_key

from reconciler.adapters import ledger_lines, ledger_pages
from reconciler.adapters.git_ledger import GitLedger, Pen, Place
from reconciler.adapters.git_remote import GitRemote
from reconciler.adapters.git_signing import SigningKey
from reconciler.adapters.git_writer import Identity
from reconciler.adapters.ledger_pages import Line
from reconciler.errors import BranchMoved, LedgerTaken, MirrorDamaged, PushRefused, SourceUnavailable
from reconciler.record.current import Running
from reconciler.state.entry import Entry, EntryKind

NOVEMBER, DECEMBER = 1_795_200_000.0, 1_796_400_000.0
REF = "refs/reconciler/eu/ledger"
ENTRY = Entry(0, "", "", EntryKind.INTENT, 1, "c0ffee", "Ann", "", "", "", "eu", "eu/gpu-1", "half", "A", (), NOVEMBER)


@dataclass
class Ledger:
    """A ledger in memory: `Lines`."""

    reason: str = "first"
    batch: int = 100
    entries: list[Entry] = field(default_factory=list)
    published: set[str] = field(default_factory=set)

    def add(self, *times: float) -> "Ledger":
        for at in times or (NOVEMBER,):
            last = self.entries[-1].hash if self.entries else ""
            line = replace(ENTRY, started=at, reason=self.reason)
            self.entries.append(ledger_lines.sealed(line, len(self.entries) + 1, last))
        return self

    def own(self, number: int) -> str:
        return self.entries[number - 1].hash if 0 < number <= len(self.entries) else ""

    def lines(self, after: int) -> Sequence[Line]:
        chosen = self.entries[after : after + self.batch]
        return [
            Line(each.id, each.hash, ledger_lines.published(ledger_lines.body(each), each.hash), month(each.started))
            for each in chosen
        ]

    def running(self) -> Sequence[Running]:
        return (Running("eu/gpu-1", "half", (1, 2), (("stable", 2),), "c0ffee", NOVEMBER),)

    def has_published(self, ref: str) -> bool:
        return ref in self.published


def month(at: float) -> str:
    return ledger_pages.moment(at)[:7]


class Setting:
    """A remote repository, and instances that publish to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = Repository(folder / "remote.git")
        self.repository.commit({"a.yaml": "a"})

    def target(self, cache: str = "ledger.git", place: str = "gpu-admin:/state", ref: str = REF) -> GitLedger:
        where = Place(ref, ref.split("/")[-2], place)
        pen = Pen(Identity("reconciler", "bot@example.org"), now=lambda: DECEMBER)
        return GitLedger(self.folder / cache, GitRemote(self.repository.url), where, pen)

    def git(self, *arguments: str) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1"}
        command = ["git", "-C", str(self.repository.path), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    def numbers(self, page: str = "2026-11.jsonl", ref: str = REF) -> list[int | str]:
        lines = [json.loads(line) for line in self.git("show", f"{ref}:{page}").split("\n") if line]
        return [line["id"] if line["kind"] != "segment" else "segment" for line in lines]

    def current(self) -> dict[str, object]:
        return dict(json.loads(self.git("show", f"{REF}:current.json")))


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


def all_of(target: GitLedger, ledger: Ledger) -> list[int]:
    """Publish until nothing is left; the number of lines of each round."""
    rounds = []
    while (done := target.publish(ledger)) is not None:
        ledger.published.add(target.place.ref)
        rounds.append(done.lines)
    return rounds


def test_a_ledger_is_read_with_plain_git(setting: Setting) -> None:
    ledger = Ledger().add(NOVEMBER, NOVEMBER + 1, DECEMBER)
    assert all_of(setting.target(), ledger) == [3]
    assert setting.git("ls-tree", "--name-only", REF).split() == ["2026-11.jsonl", "2026-12.jsonl", "current.json"]
    assert setting.numbers() == [1, 2]
    assert setting.numbers("2026-12.jsonl") == [3]
    assert setting.git("log", "--format=%an %s", REF) == "reconciler Ledger of eu: lines 1 to 3 [skip ci]\n"


def test_what_runs_where_stands_beside_the_lines(setting: Setting) -> None:
    ledger = Ledger().add()
    all_of(setting.target(), ledger)
    assert setting.current() == {
        "formatVersion": "1.0",
        "kind": "Current",
        "at": "2026-12-04T16:00:00Z",
        "writer": {"instance": "eu", "place": "gpu-admin:/state", "ledger": ledger.own(1)},
        "segment": 1,
        "last": {"id": 1, "hash": ledger.own(1)},
        "page": "2026-11.jsonl",
        "servers": {
            "eu/gpu-1": {
                "half": {
                    "versions": ["1", "2"],
                    "labels": {"stable": "2"},
                    "commit": "c0ffee",
                    "since": "2026-11-20T18:40:00Z",
                }
            }
        },
    }


def test_the_ref_is_a_line_of_its_own_and_the_branch_stays_as_it_is(setting: Setting) -> None:
    before = setting.git("rev-parse", "main")
    target, ledger = setting.target(), Ledger().add()
    all_of(target, ledger)
    all_of(target, ledger.add())
    commits = setting.git("rev-list", "--parents", REF).splitlines()
    assert [len(line.split()) for line in commits] == [2, 1]
    assert setting.git("rev-parse", "main") == before
    assert all("[skip ci]" in line for line in setting.git("log", "--format=%s", REF).splitlines())


def test_nothing_new_is_no_commit(setting: Setting) -> None:
    target, ledger = setting.target(), Ledger().add()
    all_of(target, ledger)
    before = setting.git("rev-parse", REF)
    assert target.publish(ledger) is None
    assert setting.git("rev-parse", REF) == before


def test_a_ledger_without_lines_makes_no_ref(setting: Setting) -> None:
    assert setting.target().publish(Ledger()) is None
    assert setting.git("for-each-ref", "refs/reconciler") == ""


def test_many_lines_go_in_batches(setting: Setting) -> None:
    ledger = Ledger(batch=2).add(*[NOVEMBER] * 5)
    assert all_of(setting.target(), ledger) == [2, 2, 1]
    assert setting.numbers() == [1, 2, 3, 4, 5]


def test_a_month_with_many_lines_goes_on_in_further_pages(setting: Setting) -> None:
    target, ledger = setting.target(), Ledger(batch=3).add(*[NOVEMBER] * 11, DECEMBER)
    target.largest = 2000
    all_of(target, ledger)
    names = [name for name in setting.git("ls-tree", "--name-only", REF).split() if name.endswith("l")]
    pages = sorted(names, key=ledger_pages.order)
    assert pages[:2] == ["2026-11.jsonl", "2026-11-2.jsonl"]
    assert pages[-1] == "2026-12.jsonl"
    assert [number for page in pages for number in setting.numbers(page)] == [*range(1, 13)]
    assert all(len(setting.git("show", f"{REF}:{page}")) <= 2000 for page in pages)


def test_a_published_page_is_verified_with_sed_and_sha256sum(setting: Setting) -> None:
    all_of(setting.target(), Ledger().add(NOVEMBER, NOVEMBER))
    script = (
        f"git -C {setting.repository.path} show {REF}:2026-11.jsonl | while IFS= read -r line; do "
        "printf '%s\\n' \"$line\" | sed 's/,\"hash\":\"[0-9a-f]*\"}$/}/' | tr -d '\\n' | sha256sum; done"
    )
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    lines = [json.loads(line) for line in setting.git("show", f"{REF}:2026-11.jsonl").splitlines()]
    assert [line.split()[0] for line in said.splitlines()] == [line["hash"] for line in lines]


def test_after_a_restart_the_ref_goes_on(setting: Setting) -> None:
    ledger = Ledger().add()
    all_of(setting.target(), ledger)
    assert all_of(setting.target("another-cache.git"), ledger.add()) == [1]
    assert setting.numbers() == [1, 2]


def test_a_lost_state_directory_begins_a_new_chain_behind_the_old_one(setting: Setting) -> None:
    old, new = Ledger().add(NOVEMBER, NOVEMBER), Ledger("second").add()
    all_of(setting.target(), old)
    done = setting.target("new-cache.git").publish(new)
    assert done is not None
    assert done.segment == "the state directory was lost, and the ledger in it"
    assert setting.numbers() == [1, 2, "segment", 1]
    segment = json.loads(setting.git("show", f"{REF}:2026-11.jsonl").splitlines()[2])
    assert (segment["segment"], segment["last"]) == (2, {"id": 2, "hash": old.own(2)})
    assert segment["writer"]["ledger"] == new.own(1)
    assert "A new chain of lines begins: the state directory was lost" in setting.git("log", "-1", "--format=%b", REF)
    assert all_of(setting.target("new-cache.git"), new.add()) == [1]
    assert setting.numbers() == [1, 2, "segment", 1, 2]


def test_an_older_copy_of_the_record_goes_on_from_the_last_line_it_shares(setting: Setting) -> None:
    ledger = Ledger().add(NOVEMBER, NOVEMBER, NOVEMBER)
    all_of(setting.target(), ledger)
    restored = Ledger("restored", entries=ledger.entries[:2]).add(NOVEMBER, NOVEMBER)
    done = setting.target().publish(restored)
    assert done is not None
    assert "older copy" in done.segment
    assert setting.numbers() == [1, 2, 3, "segment", 3, 4]


def test_a_moved_state_directory_goes_on_without_a_word(setting: Setting) -> None:
    ledger = Ledger().add()
    all_of(setting.target(), ledger)
    assert all_of(setting.target(place="another:/state"), ledger.add()) == [1]
    assert setting.numbers() == [1, 2]


@pytest.mark.parametrize("copied", [False, True])
def test_a_second_instance_on_the_same_ref_is_refused_and_nothing_is_overwritten(
    setting: Setting, copied: bool
) -> None:
    first = Ledger().add(NOVEMBER, NOVEMBER)
    all_of(setting.target(), first)
    before = setting.git("rev-parse", REF)
    second = Ledger("second", entries=first.entries[:1] if copied else []).add(NOVEMBER, NOVEMBER)
    with pytest.raises(LedgerTaken, match=r"written by another instance \(eu at gpu-admin:/state\), last line 2"):
        setting.target("b.git", place="other:/state").publish(second)
    assert setting.git("rev-parse", REF) == before


def test_an_instance_that_published_here_is_not_taken_for_one_that_lost_its_state(setting: Setting) -> None:
    first, second = Ledger().add(), Ledger("second").add()
    all_of(setting.target(), first)
    all_of(setting.target(), second)
    with pytest.raises(LedgerTaken):
        setting.target().publish(first.add())


def test_two_instances_publish_to_one_remote(setting: Setting) -> None:
    eu, us = setting.target("a.git"), setting.target("b.git", ref="refs/reconciler/us/ledger")
    one, other = Ledger().add(), Ledger("second").add()
    for _ in range(3):
        all_of(eu, one.add())
        all_of(us, other.add())
    assert setting.numbers() == setting.numbers(ref="refs/reconciler/us/ledger") == [1, 2, 3, 4]


def test_of_two_that_begin_at_once_the_first_push_wins(setting: Setting) -> None:
    class Slow(Ledger):
        def running(self) -> Sequence[Running]:
            all_of(setting.target("a.git"), Ledger().add())
            return ()

    late = Slow("second").add()
    target = setting.target("b.git", place="other:/state")
    with pytest.raises(BranchMoved):
        target.publish(late)
    with pytest.raises(LedgerTaken):
        target.publish(late)


def test_a_released_ref_is_taken_up_by_the_next_instance(setting: Setting) -> None:
    all_of(setting.target(), Ledger().add())
    second, target = Ledger("second").add(), setting.target("b.git", place="other:/state")
    assert target.release() is not None
    assert setting.current()["writer"] is None
    assert setting.git("log", "-1", "--format=%s", REF) == "Release the ledger of eu [skip ci]\n"
    assert all_of(target, second) == [1]
    assert setting.numbers() == [1, "segment", 1]


def test_a_ref_that_nobody_writes_cannot_be_released(setting: Setting) -> None:
    assert setting.target().release() is None


@pytest.mark.parametrize(
    "files",
    [
        {"a.txt": "mine"},
        {"current.json": "not json"},
        {"current.json": "[]"},
        {"current.json": '{"formatVersion": "2.0", "writer": null}'},
    ],
)
def test_a_ref_that_holds_something_else_is_left_alone(setting: Setting, files: dict[str, str]) -> None:
    made = setting.repository.commit(files, branch="x", parents=[])
    setting.repository.git.references.create(REF, made)
    with pytest.raises(LedgerTaken, match=r"holds something else than a ledger.*--instance"):
        setting.target().publish(Ledger().add())
    assert setting.git("rev-parse", REF).strip() == made


def test_a_remote_that_is_gone_is_an_error_to_be_tried_again(setting: Setting) -> None:
    target, ledger = setting.target(), Ledger().add()
    away = setting.repository.path.rename(setting.folder / "away.git")
    with pytest.raises(SourceUnavailable):
        target.publish(ledger)
    away.rename(setting.repository.path)
    assert all_of(target, ledger) == [1]


def test_a_remote_that_refuses_says_so_in_its_words(setting: Setting) -> None:
    hook = setting.repository.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho refs/reconciler is not allowed here >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(PushRefused, match="refs/reconciler is not allowed here"):
        setting.target().publish(Ledger().add())


def test_a_ledger_is_published_over_http(setting: Setting) -> None:
    setting.git("config", "http.receivepack", "true")
    with serving(setting.folder) as host:
        target = setting.target()
        target.remote = GitRemote(f"{host.url}/remote.git")
        ledger = Ledger().add()
        assert all_of(target, ledger) == [1]
        assert all_of(target, ledger.add()) == [1]
    assert setting.numbers() == [1, 2]


def test_a_cache_that_grew_too_large_is_begun_anew(setting: Setting) -> None:
    target, ledger = setting.target(), Ledger()
    target.most_loose = 12
    for _ in range(8):
        all_of(target, ledger.add())
        assert len([*target.path.glob("objects/??/*")]) <= 12 + 4
    assert setting.numbers() == [*range(1, 9)]


@pytest.mark.parametrize(
    "ref",
    [
        "refs/x",
        "heads/x/y",
        "refs/../x",
        "refs/a/b.lock",
        "refs/a b/c",
        "refs/a//b",
        "refs/a/-\n",
        "refs/a/b.",
        "-/a/b",
    ],
)
def test_a_name_that_git_would_not_take_is_refused(ref: str) -> None:
    with pytest.raises(ValueError, match="no name of a ref"):
        Place(ref, "eu", "here")


def test_the_documented_git_commands_read_it(setting: Setting, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text(encoding="utf-8")
    block = page.partition("### Reading it with plain git")[2].partition("```bash\n")[2].partition("```")[0]
    ledger = Ledger(entries=[ledger_lines.sealed(replace(ENTRY, model="fashion"), 1, "")])
    all_of(setting.target(ref="refs/reconciler/eu-prod/ledger"), ledger)
    setting.git("clone", "--quiet", setting.repository.url, str(tmp_path / "clone"))
    done = subprocess.run(["sh", "-e", "-c", block], cwd=tmp_path / "clone", capture_output=True, text=True, check=True)
    assert "2026-12-04 Ledger of eu-prod: line 1 [skip ci]" in done.stdout
    assert '"kind": "Current"' in done.stdout
    assert done.stdout.count('"model":"fashion"') == 3  # by show, by log -p, by grep


def test_a_ledger_is_signed_where_a_key_is_named(setting: Setting, tmp_path: Path) -> None:
    key = ssh_key(tmp_path, "bot")
    where = Place(REF, "eu", "here:/state")
    pen = Pen(Identity("reconciler", "bot@example.org"), SigningKey(str(key.path)))
    all_of(GitLedger(tmp_path / "ledger.git", GitRemote(setting.repository.url), where, pen), Ledger().add())
    assert "-----BEGIN SSH SIGNATURE-----" in setting.git("cat-file", "commit", REF)


def test_a_damaged_cache_is_said_and_fetched_anew_at_the_next_try(setting: Setting) -> None:
    ledger = Ledger().add()
    all_of(setting.target(), ledger)
    for each in (setting.folder / "ledger.git" / "objects").glob("??/*"):
        each.chmod(0o600)
        each.write_bytes(b"no object")
    with pytest.raises(MirrorDamaged, match="It was removed and is fetched anew"):
        setting.target().publish(ledger.add())
    assert all_of(setting.target(), ledger) == [1]
    assert setting.numbers() == [1, 2]
