from pathlib import Path

import pytest

from reconciler.adapters.git import GitCredentials, GitRemote
from reconciler.adapters.git_remote import redact
from reconciler.adapters.secret import SecretMissing, read_secret
from reconciler.state.desired import SecretRef


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ada:s3cret@host/x.git", "https://***@host/x.git"),
        ("https://s3cret@host/x.git", "https://***@host/x.git"),
        ("https://ada:s3cr@et@host/x.git", "https://***@host/x.git"),
        ("ssh://git:s3cret@host:22/x.git", "ssh://git@host:22/x.git"),
        ("ssh://git@host/x.git", "ssh://git@host/x.git"),
        ("git@host:team/x.git", "git@host:team/x.git"),
        ("failed: 'HTTPS://a:s3cret@host/x' and https://b:s3cret@other", "failed: 'HTTPS://***@host/x' and https://***@other"),
        ("https://host/x.git?private_token=s3cret", "https://host/x.git?***"),
        ("https://host/ada@example/x.git", "https://host/ada@example/x.git"),
        ("/srv/desired.git", "/srv/desired.git"),
    ],
)  # fmt: skip
def test_a_url_is_shown_without_its_secret(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_neither_repr_nor_name_of_a_remote_holds_a_secret() -> None:
    remote = GitRemote("https://ada:s3cret@host/x.git")
    assert "s3cret" not in f"{remote!r} {remote} {remote.name}"


def test_a_refused_url_is_named_without_its_secret() -> None:
    with pytest.raises(ValueError, match=r"ftp:// is not supported") as refusal:
        GitRemote("ftp://ada:s3cret@host/x.git")
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("url", ["git://host/x", "ext::sh -c id://x", "", " ", "--upload-pack=id"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"not supported|no address"):
        GitRemote(url)


@pytest.mark.parametrize("branch", ["", "-x", "a b", "a..b", "refs/heads/main", "a^", "a:b", "a*"])
def test_a_branch_name_that_git_would_not_take_is_refused(branch: str) -> None:
    with pytest.raises(ValueError, match="is no branch name"):
        GitRemote("/srv/x", branch)


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("file:///srv/x.git", Path("/srv/x.git")),
        ("/srv/x.git", Path("/srv/x.git")),
        ("https://host/x.git", None),
        ("git@host:team/x.git", None),
        ("ssh://host/x.git", None),
    ],
)
def test_a_remote_knows_whether_it_lies_on_this_machine(url: str, folder: Path | None) -> None:
    assert GitRemote(url).folder == folder


def test_a_relative_path_is_taken_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert GitRemote("desired").address == str(tmp_path / "desired")


def test_credentials_are_named_by_environment_variables_and_never_copied_from_them() -> None:
    credentials = GitCredentials.from_environment(
        {
            "RECONCILER_GIT_USERNAME": "bot",
            "RECONCILER_GIT_TOKEN": "s3cret",
            "RECONCILER_GIT_SSH_KEY": "/keys/id",
            "RECONCILER_GIT_SSH_PASSPHRASE_FILE": "/keys/passphrase",
            "RECONCILER_GIT_CA_FILE": "/etc/ca.pem",
        }
    )
    assert credentials == GitCredentials(
        username="bot",
        token=SecretRef(from_env="RECONCILER_GIT_TOKEN"),
        ssh_key="/keys/id",
        ssh_passphrase=SecretRef(from_file="/keys/passphrase"),
        ca_file="/etc/ca.pem",
    )
    assert "s3cret" not in repr(credentials)


def test_an_empty_environment_names_no_credentials() -> None:
    assert GitCredentials.from_environment({}) == GitCredentials()


def test_a_secret_comes_from_the_environment_at_the_moment_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_FOR_TEST", "first")
    where = SecretRef(from_env="TOKEN_FOR_TEST")
    assert read_secret(where) == "first"
    monkeypatch.setenv("TOKEN_FOR_TEST", "rotated")
    assert read_secret(where) == "rotated"


def test_a_secret_in_a_file_loses_the_newline_at_its_end_only(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(" s3cret \n")
    assert read_secret(SecretRef(from_file=str(tmp_path / "token"))) == " s3cret "


@pytest.mark.parametrize("content", ["", "\n"])
def test_an_empty_secret_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content)
    with pytest.raises(SecretMissing, match=r"token holds no secret"):
        read_secret(SecretRef(from_file=str(tmp_path / "token")))


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretMissing, match=r"absent cannot be read"):
        read_secret(SecretRef(from_file=str(tmp_path / "absent")))


@pytest.mark.parametrize(
    "text", ["1https://u:hunter2@h/x", "-https://u:hunter2@h", "(ftp://hunter2@h)", "xHTTPS://hunter2@h"]
)
def test_a_password_is_taken_out_wherever_its_url_begins(text: str) -> None:
    assert "hunter2" not in redact(text)


def test_a_very_long_word_is_looked_through_once() -> None:
    word = "x" * 1_000_000  # tried from each of its letters this took hours
    assert redact(f"{word} https://u:hunter2@h") == f"{word} https://***@h"
