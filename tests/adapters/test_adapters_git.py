import errno
import os
import shutil
import subprocess
from pathlib import Path

import pygit2
import pytest
from repositories import Repository

from reconciler.adapters import git_renewal
from reconciler.adapters.git import GitMirror, GitReader, GitRemote
from reconciler.errors import MirrorDamaged, RevisionMissing, SourceUnavailable


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "desired.git")


@pytest.fixture
def mirror(repository: Repository, tmp_path: Path) -> GitMirror:
    return GitMirror(tmp_path / "mirror.git", GitRemote(repository.url))


def packs(mirror: GitMirror) -> set[str]:
    return {file.name for file in (mirror.path / "objects").rglob("*") if file.is_file()}


def test_a_plain_path_is_a_remote_too(repository: Repository, tmp_path: Path) -> None:
    head = repository.commit({"a.yaml": "a"})
    assert GitMirror(tmp_path / "m.git", GitRemote(str(repository.path))).poll() == head


def test_a_poll_of_an_unmoved_branch_brings_no_objects(mirror: GitMirror, repository: Repository) -> None:
    repository.commit({"a.yaml": "a"})
    mirror.poll()
    before = packs(mirror)
    repository.commit({"b.yaml": "b"}, branch="elsewhere")
    mirror.poll()
    assert packs(mirror) == before


def test_a_mirror_opened_again_knows_its_head_without_asking(mirror: GitMirror, repository: Repository) -> None:
    head = repository.commit({"a.yaml": "a"})
    mirror.poll()
    shutil.rmtree(repository.path)
    assert GitMirror(mirror.path, mirror.remote).head() == head


def test_asking_for_the_head_makes_no_mirror(mirror: GitMirror) -> None:
    assert mirror.head() is None
    assert not mirror.path.exists()


def test_another_process_may_acknowledge_the_rewrite(mirror: GitMirror, repository: Repository) -> None:
    repository.commit({"a.yaml": "a"})
    mirror.poll()
    offered = repository.commit({"a.yaml": "b"}, parents=[])
    with pytest.raises(Exception, match="was rewritten"):
        mirror.poll()
    assert mirror.offered() == offered
    assert GitMirror(mirror.path, mirror.remote).acknowledge_rewrite() == offered
    assert mirror.head() == offered
    assert mirror.offered() is None


def test_following_another_branch_is_no_rewrite(mirror: GitMirror, repository: Repository) -> None:
    repository.commit({"a.yaml": "a"})
    other = repository.commit({"a.yaml": "b"}, branch="live/eu", parents=[])
    mirror.poll()
    follower = GitMirror(mirror.path, GitRemote(repository.url, "live/eu"))
    assert follower.poll() == other
    assert follower.resolve("HEAD") == other


def test_symbolic_links_and_submodules_are_absent(mirror: GitMirror, repository: Repository) -> None:
    first = repository.commit({"a.yaml": "a"})
    tree = repository.git.TreeBuilder(repository.tree({"real.yaml": "r", "link.yaml": "->/etc/passwd"}))
    tree.insert("module", first, pygit2.enums.FileMode.COMMIT)
    who = pygit2.Signature("Ada", "ada@example.org", 1, 0)
    head = str(repository.git.create_commit("refs/heads/main", who, who, "m", tree.write(), [first]))
    mirror.poll()
    assert [file.path for file in mirror.files(head)] == ["real.yaml"]
    assert not mirror.files(head, "link.yaml")


def test_a_file_name_that_is_not_utf8_is_listed_with_a_mark(mirror: GitMirror, repository: Repository) -> None:
    blob = repository.git.create_blob(b"a")
    tree = repository.git.odb.write(pygit2.enums.ObjectType.TREE, b"100644 caf\xe9.yaml\0" + blob.raw)
    who = pygit2.Signature("Ada", "ada@example.org", 1, 0)
    head = str(repository.git.create_commit("refs/heads/main", who, who, "m", tree, []))
    mirror.poll()
    assert [file.path for file in mirror.files(head)] == ["caf\N{REPLACEMENT CHARACTER}.yaml"]


def test_a_message_in_an_encoding_nobody_knows_is_read_as_far_as_possible(
    mirror: GitMirror, repository: Repository
) -> None:
    tree = repository.git.TreeBuilder().write()
    raw = f"tree {tree}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\nencoding klingon\n\nCaf".encode() + b"\xe9"
    head = repository.git.odb.write(pygit2.enums.ObjectType.COMMIT, raw)
    repository.move("main", str(head))
    mirror.poll()
    assert mirror.commit(str(head)).subject == "Caf\N{REPLACEMENT CHARACTER}"


def test_what_strangers_write_into_a_commit_moves_no_cursor_and_ends(mirror: GitMirror, repository: Repository) -> None:
    head = repository.commit({"a.yaml": "a"}, "Red \x1b[31malert\x1b[0m " + "x" * 5000 + "\n\nNote: \x07bell\n")
    mirror.poll()
    commit = mirror.commit(head)
    assert commit.subject.isprintable()
    assert len(commit.subject) == 1001
    assert commit.trailers == (("Note", "\N{REPLACEMENT CHARACTER}bell"),)


def test_a_blob_beyond_what_is_ever_loaded_is_only_too_large(mirror: GitMirror, repository: Repository) -> None:
    head = repository.commit({"a.yaml": "0123456789"})
    mirror.poll()
    mirror.largest = 9
    (file,) = mirror.files(head)
    assert file.size == 10
    assert mirror.read(file.blob, 4) == bytes(5)


@pytest.mark.parametrize("annotated", [True, False])
def test_tags_of_the_branch_come_along_and_move_with_the_remote(
    mirror: GitMirror, repository: Repository, annotated: bool
) -> None:
    def tag(commit: str) -> None:
        who = pygit2.Signature("A", "a@b", 1, 0)
        kind = pygit2.enums.ObjectType.COMMIT
        target = repository.git.create_tag(f"t-{commit}", commit, kind, who, "t") if annotated else commit
        repository.git.references.create("refs/tags/v1", target, force=True)

    first, second = repository.commit({"a.yaml": "a"}), repository.commit({"a.yaml": "b"})
    tag(first)
    mirror.poll()
    assert mirror.resolve("v1") == first
    tag(second)
    mirror.poll()
    assert mirror.resolve("v1") == second


def test_another_branch_can_be_examined_without_being_followed(mirror: GitMirror, repository: Repository) -> None:
    first = repository.commit({"a.yaml": "a"})
    mirror.poll()
    repository.commit({"a.yaml": "b"}, branch="feature/x", parents=[first])
    assert mirror.commit(mirror.examine("feature/x")).id != first
    newer = repository.commit({"a.yaml": "c"}, branch="feature/x")
    assert mirror.examine("feature/x") == newer
    assert mirror.examine("feature/x~2") == first
    assert mirror.examine("main") == first
    assert mirror.head() == first


def test_examining_what_does_not_exist_is_refused(mirror: GitMirror, repository: Repository) -> None:
    repository.commit({"a.yaml": "a"})
    mirror.poll()
    with pytest.raises(RevisionMissing, match="'nowhere' names no single commit"):
        mirror.examine("nowhere")


def test_a_folder_that_is_no_repository_is_unavailable_with_the_cause(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(SourceUnavailable, match=r"plain.*Check that the repository exists"):
        GitMirror(tmp_path / "m.git", GitRemote(str(tmp_path / "plain"))).poll()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to another user")
def test_a_repository_of_another_user_is_refused_with_the_setting_that_allows_it(
    mirror: GitMirror, repository: Repository
) -> None:
    repository.commit({"a.yaml": "a"})
    for each in [repository.path, *repository.path.rglob("*")]:
        os.chown(each, 4321, 4321)
    with pytest.raises(SourceUnavailable, match=rf"safe\.directory {repository.path}"):
        mirror.poll()


def break_objects(mirror: GitMirror) -> None:
    for file in (mirror.path / "objects").rglob("*"):
        if file.is_file():
            file.chmod(0o600)
            file.write_bytes(b"damaged")


def test_a_damaged_mirror_is_named_and_made_anew_beside_what_was_there(
    mirror: GitMirror, repository: Repository
) -> None:
    head = repository.commit({"a.yaml": "a"})
    mirror.poll()
    break_objects(mirror)
    again = GitMirror(mirror.path, mirror.remote)
    with pytest.raises((MirrorDamaged, RevisionMissing)):
        again.files(head)
    newer = repository.commit({"a.yaml": "b"})
    with pytest.raises(MirrorDamaged, match=r"cannot be used.*clones it anew") as damage:
        again.poll()
    assert damage.value.renewable
    assert again.renew() == f"{mirror.path}.damaged"
    assert again.poll() == newer
    assert Path(f"{mirror.path}.damaged", "HEAD").exists()


def test_a_mirror_whose_head_is_garbage_is_damaged(mirror: GitMirror, repository: Repository) -> None:
    repository.commit({"a.yaml": "a"})
    mirror.poll()
    (mirror.path / "refs/heads/main").write_text("garbage")
    with pytest.raises(MirrorDamaged, match="It is a cache") as damage:
        mirror.poll()
    assert damage.value.renewable


def test_a_mirror_folder_that_cannot_be_made_is_an_error_with_its_path(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MirrorDamaged, match=r"file/mirror\.git.*Check the disk") as damage:
        GitMirror(tmp_path / "file" / "mirror.git", GitRemote(repository.url)).poll()
    assert not damage.value.renewable


def test_a_full_disk_or_a_missing_right_is_not_healed_by_a_clone() -> None:
    assert not git_renewal.heals(OSError(errno.ENOSPC, "No space left on device"))
    assert not git_renewal.heals(PermissionError(errno.EACCES, "Permission denied"))
    assert not git_renewal.heals(pygit2.GitError("could not write to 'x': No space left on device"))
    assert git_renewal.heals(pygit2.GitError("object not found - no match for id (12)"))
    assert git_renewal.heals(OSError(errno.EIO, "Input/output error"))


def test_a_repository_of_somebody_is_never_set_aside(repository: Repository) -> None:
    with pytest.raises(MirrorDamaged, match="not cloned anew"):
        GitReader(repository.path).renew()
    assert repository.path.exists()


def test_a_tag_that_stands_in_the_way_of_another_is_only_a_name(mirror: GitMirror, repository: Repository) -> None:
    head = repository.commit({"a.yaml": "a"})
    repository.git.references.create("refs/tags/v1", head)
    mirror.poll()
    repository.git.references.delete("refs/tags/v1")
    repository.git.references.create("refs/tags/v1/rc", head)
    assert mirror.poll() == head


def test_thousands_of_refs_cost_one_advertisement_and_no_writes(mirror: GitMirror, repository: Repository) -> None:
    head = repository.commit({"a.yaml": "a"})
    names = "".join(f"{head} refs/heads/topic/{number:04}\n" for number in range(5000))
    (repository.path / "packed-refs").write_text("# pack-refs with: sorted \n" + names)
    assert mirror.poll() == head
    assert list(mirror._open().references) == ["refs/heads/main"]


def test_a_repository_with_a_detached_head_is_followed_by_its_branch(repository: Repository, tmp_path: Path) -> None:
    first, second = repository.commit({"a.yaml": "a"}), repository.commit({"a.yaml": "b"})
    subprocess.run(["git", "clone", "-q", str(repository.path), str(tmp_path / "clone")], check=True)
    subprocess.run(["git", "checkout", "-q", "--detach", first], cwd=tmp_path / "clone", check=True)
    assert GitMirror(tmp_path / "m.git", GitRemote(str(tmp_path / "clone"))).poll() == second


def test_a_clone_at_hand_is_read_where_it_lies(repository: Repository, tmp_path: Path) -> None:
    first = repository.commit({"eu/a.yaml": "a"})
    second = repository.commit({"eu/a.yaml": "b"})
    subprocess.run(["git", "clone", "-q", str(repository.path), str(tmp_path / "clone")], check=True)
    clone = GitReader(tmp_path / "clone" / "eu")
    assert clone.poll() == second
    assert clone.resolve("origin/main~1") == first
    assert [file.path for file in clone.files(second)] == ["eu/a.yaml"]


def test_the_history_of_a_shallow_clone_ends_where_the_clone_ends(repository: Repository, tmp_path: Path) -> None:
    ids = [repository.commit({"a.yaml": str(number)}) for number in range(3)]
    command = ["git", "clone", "-q", "--depth", "2", repository.url, str(tmp_path / "clone")]
    subprocess.run(command, check=True)
    clone = GitReader(tmp_path / "clone")
    assert [commit.id for commit in clone.history(ids[2], 9)] == [ids[2], ids[1]]


def test_a_repository_without_commits_is_read_as_empty(repository: Repository) -> None:
    assert GitReader(repository.path).head() is None


def test_a_folder_that_is_no_clone_says_so(tmp_path: Path) -> None:
    with pytest.raises(MirrorDamaged, match="Check that it is a git repository"):
        GitReader(tmp_path).head()


def test_nothing_waits_to_be_acknowledged_in_a_clone(repository: Repository) -> None:
    with pytest.raises(RevisionMissing, match="read where it lies"):
        GitReader(repository.path).acknowledge_rewrite()


def test_many_fetches_end_in_one_pack_with_everything_in_it(mirror: GitMirror, repository: Repository) -> None:
    mirror.most_packs = 3
    ids = []
    for number in range(6):
        ids.append(repository.commit({"a.yaml": f"content {number}"}))
        mirror.poll()
        assert len(list((mirror.path / "objects/pack").glob("*.pack"))) <= 3
        assert mirror.history(ids[-1], 9)[-1].id == ids[0]
    for number, commit in enumerate(ids):
        (file,) = mirror.files(commit)
        assert mirror.read(file.blob, 99) == f"content {number}".encode()
    subprocess.run(["git", "fsck", "--strict"], cwd=mirror.path, check=True, capture_output=True)
