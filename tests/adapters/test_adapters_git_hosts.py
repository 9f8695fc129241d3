"""Git over real sockets: what a poll costs, credentials, certificates, hosts that are down or silent."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest
from githost import Host, make_certificate, serving
from pygit2.enums import CredentialType
from repositories import Repository

from reconciler.adapters.git import GitCredentials, GitMirror, GitRemote, Patience
from reconciler.adapters.git_session import Guard
from reconciler.errors import HistoryRewritten, Reaction, RevisionMissing, SourceUnavailable
from reconciler.state.desired import SecretRef

TOKEN = SecretRef(from_env="TOKEN_FOR_TEST")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "desired.git")


@pytest.fixture
def host(repository: Repository) -> Iterator[Host]:
    with serving(repository.path.parent) as host:
        yield host


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def safe_host(repository: Repository, certificate: Path) -> Iterator[Host]:
    with serving(repository.path.parent, certificate) as host:
        host.password = "s3cret"
        yield host


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> SecretRef:
    monkeypatch.setenv("TOKEN_FOR_TEST", "s3cret")
    return TOKEN


def mirror(host: Host, folder: Path, **credentials: object) -> GitMirror:
    remote = GitRemote(f"{host.url}/desired.git", credentials=GitCredentials(**credentials))  # type: ignore[arg-type]
    return GitMirror(folder / "mirror.git", remote)


def test_a_poll_of_an_unmoved_branch_costs_one_connection_and_one_advertisement(
    host: Host, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a.yaml": "a"})
    source = mirror(host, tmp_path)
    source.poll()
    host.asked.clear()
    host.connections = 0
    source.poll()
    assert host.asked == ["GET refs"]
    assert host.connections == 1


def test_a_moved_branch_is_fetched_over_the_connection_that_advertised_it(
    host: Host, repository: Repository, tmp_path: Path
) -> None:
    head = repository.commit({"a.yaml": "a"})
    assert mirror(host, tmp_path).poll() == head
    assert host.asked == ["GET refs", "POST pack"]
    assert host.connections == 1


def test_a_rewritten_branch_is_fetched_once_however_often_it_is_polled(
    host: Host, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a.yaml": "a"})
    source = mirror(host, tmp_path)
    source.poll()
    repository.commit({"a.yaml": "b"}, parents=[])
    host.asked.clear()
    for _ in range(3):
        with pytest.raises(HistoryRewritten):
            source.poll()
    assert host.asked == ["GET refs", "POST pack", "GET refs", "GET refs"]


def test_a_tag_of_a_commit_elsewhere_is_fetched_only_when_it_is_examined(
    host: Host, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a.yaml": "a"})
    other = repository.commit({"z.yaml": "z"}, branch="elsewhere")
    repository.git.references.create("refs/tags/v1", other)
    source = mirror(host, tmp_path)
    source.poll()
    with pytest.raises(RevisionMissing):
        source.resolve("v1")
    assert source.examine("v1") == other


def test_an_empty_repository_over_http_has_no_head(host: Host, tmp_path: Path) -> None:
    assert mirror(host, tmp_path).poll() is None


def test_a_repository_that_does_not_exist_is_unavailable(host: Host, tmp_path: Path) -> None:
    source = GitMirror(tmp_path / "m.git", GitRemote(f"{host.url}/absent.git"))
    with pytest.raises(SourceUnavailable, match=r"404.*Check that the repository exists"):
        source.poll()


def test_a_token_opens_a_host_whose_certificate_is_trusted(
    safe_host: Host, repository: Repository, tmp_path: Path, certificate: Path, token: SecretRef
) -> None:
    head = repository.commit({"a.yaml": "a"})
    assert mirror(safe_host, tmp_path, token=token, ca_file=str(certificate)).poll() == head


def test_a_token_in_a_file_is_read_at_every_poll(
    safe_host: Host, repository: Repository, tmp_path: Path, certificate: Path
) -> None:
    head = repository.commit({"a.yaml": "a"})
    file = tmp_path / "token"
    file.write_text("outdated\n")
    source = mirror(safe_host, tmp_path, token=SecretRef(from_file=str(file)), ca_file=str(certificate))
    with pytest.raises(SourceUnavailable, match="refused the token"):
        source.poll()
    file.write_text("s3cret\n")
    assert source.poll() == head


def test_a_refused_token_is_not_tried_again_and_not_shown(
    safe_host: Host, tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_FOR_TEST", "wr0ng")
    with pytest.raises(SourceUnavailable, match="refused the token") as refusal:
        mirror(safe_host, tmp_path, token=TOKEN, ca_file=str(certificate)).poll()
    assert "wr0ng" not in str(refusal.value)
    assert not safe_host.asked


def test_a_password_in_the_url_never_shows(
    safe_host: Host, repository: Repository, tmp_path: Path, certificate: Path
) -> None:
    repository.commit({"a.yaml": "a"}, branch="trunk")
    url = safe_host.url.replace("://", "://git:s3cret@")
    remote = GitRemote(f"{url}/desired.git", credentials=GitCredentials(ca_file=str(certificate)))
    with pytest.raises(Exception, match="no branch main") as refusal:
        GitMirror(tmp_path / "m.git", remote).poll()
    assert "s3cret" not in str(refusal.value)


def test_a_host_that_asks_for_credentials_nobody_configured_says_how_to_give_them(
    safe_host: Host, tmp_path: Path, certificate: Path
) -> None:
    with pytest.raises(SourceUnavailable, match=r"asks for credentials and none are configured.*RECONCILER_GIT_TOKEN"):
        mirror(safe_host, tmp_path, ca_file=str(certificate)).poll()


def test_a_token_that_is_not_set_is_named(safe_host: Host, tmp_path: Path, certificate: Path) -> None:
    with pytest.raises(SourceUnavailable, match="The environment variable NOT_SET_FOR_TEST holds no secret"):
        mirror(safe_host, tmp_path, token=SecretRef(from_env="NOT_SET_FOR_TEST"), ca_file=str(certificate)).poll()


def test_a_token_is_never_sent_over_plain_http(host: Host, tmp_path: Path, token: SecretRef) -> None:
    host.password = "s3cret"
    with pytest.raises(SourceUnavailable, match=r"plain http; none were sent.*Use https"):
        mirror(host, tmp_path, token=token).poll()


def test_a_redirect_to_another_host_gets_no_token(
    host: Host, repository: Repository, tmp_path: Path, token: SecretRef
) -> None:
    with serving(tmp_path) as other:
        host.redirect, other.password = other.url.replace("localhost", "127.0.0.1"), "s3cret"
        with pytest.raises(SourceUnavailable, match="none were sent"):
            mirror(host, tmp_path, token=token).poll()
        assert not other.asked


def test_a_certificate_that_nobody_vouches_for_is_refused(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with (
        serving(repository.path.parent, make_certificate(tmp_path / "other")) as host,
        pytest.raises(
            SourceUnavailable, match=r"certificate of localhost could not be verified.*RECONCILER_GIT_CA_FILE"
        ),
    ):
        mirror(host, tmp_path).poll()


def test_a_ca_file_that_cannot_be_read_is_named(safe_host: Host, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"The CA file /absent/ca\.pem"):
        mirror(safe_host, tmp_path, ca_file="/absent/ca.pem").poll()


@pytest.mark.parametrize("url", ["http://localhost:{}/x.git", "https://localhost:{}/x.git", "ssh://git@localhost:{}/x"])
def test_a_host_that_is_down_is_unavailable_and_worth_a_retry(url: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        source = GitMirror(tmp_path / "m.git", GitRemote(url.format(taken.getsockname()[1])))
        with pytest.raises(SourceUnavailable, match=r"refused.*Check that the host is up") as trouble:
            source.poll()
    assert trouble.value.reaction is Reaction.RETRY


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/x.git", "https://127.0.0.1:{}/x.git", "ssh://git@127.0.0.1:{}/x"])
def test_a_host_that_takes_the_connection_and_says_nothing_is_given_up_in_time(url: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        remote = GitRemote(url.format(silent.getsockname()[1]), patience=Patience(connect=0.2, answer=0.05))
        with pytest.raises(SourceUnavailable):
            GitMirror(tmp_path / "m.git", remote).poll()


def test_reading_the_mirror_does_not_wait_for_a_silent_host(repository: Repository, tmp_path: Path) -> None:
    head = repository.commit({"a.yaml": "a"})
    source = GitMirror(tmp_path / "mirror.git", GitRemote(repository.url))
    source.poll()
    with source._polling:  # as held by a poll that waits
        assert source.head() == head
        assert [file.path for file in source.files(head)] == ["a.yaml"]


def test_a_fetch_that_outlasts_its_time_is_stopped(repository: Repository, host: Host, tmp_path: Path) -> None:
    repository.commit({"a.yaml": "a"})
    remote = GitRemote(f"{host.url}/desired.git", patience=Patience(fetch=0))
    source = GitMirror(tmp_path / "m.git", remote)
    with pytest.raises(SourceUnavailable, match="took longer than 0 s"):
        source.poll()
    assert source.head() is None


def guard(url: str = "ssh://git@host/x", **credentials: object) -> Guard:
    return Guard(GitRemote(url, credentials=GitCredentials(**credentials)))  # type: ignore[arg-type]


def test_an_ssh_host_that_known_hosts_does_not_vouch_for_is_refused_with_the_way_to_pin_it() -> None:
    with pytest.raises(SourceUnavailable, match=r"not in ~/\.ssh/known_hosts.*ssh-keyscan -p 2222 host.*fingerprint"):
        guard("ssh://git@host:2222/x").certificate_check(None, valid=False, host=b"host")


def test_an_ssh_host_in_known_hosts_is_trusted() -> None:
    assert guard().certificate_check(None, valid=True, host=b"host")


def test_an_ssh_key_is_given_with_its_passphrase(token: SecretRef) -> None:
    given = guard(ssh_key="/keys/id", ssh_passphrase=token).credentials("ssh://host", "git", CredentialType.SSH_KEY)
    assert isinstance(given, pygit2.Keypair)
    assert given.credential_tuple == ("git", None, "/keys/id", "s3cret")


def test_without_an_ssh_key_the_agent_is_asked() -> None:
    given = guard().credentials("ssh://host", "git", CredentialType.SSH_KEY)
    assert isinstance(given, pygit2.KeypairFromAgent)


def test_an_ssh_host_that_asks_for_a_name_first_gets_the_configured_one() -> None:
    given = guard("ssh://host/x", username="bot").credentials("ssh://host", None, CredentialType.USERNAME)
    assert isinstance(given, pygit2.Username)
    assert given.credential_tuple == ("bot",)


@pytest.mark.parametrize(
    ("ssh_key", "sentence"),
    [("/keys/id", "refused the key /keys/id"), (None, "accepted no key of the ssh agent")],
)
def test_a_refused_key_is_not_offered_twice(ssh_key: str | None, sentence: str) -> None:
    asked = guard(ssh_key=ssh_key)
    asked.credentials("ssh://host", "git", CredentialType.SSH_KEY)
    with pytest.raises(SourceUnavailable, match=sentence):
        asked.credentials("ssh://host", "git", CredentialType.SSH_KEY)
