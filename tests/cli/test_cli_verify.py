"""Verified source on the command line, with a real key: what is refused, what is said, what is recorded."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli_world import Outcome, World
from signing import SshKey, ssh_key


@dataclass(frozen=True, slots=True)
class Desk:
    """A repository with an unsigned commit and a signed one on top, and the file of allowed signers."""

    world: World
    key: SshKey
    allowed: Path

    def sign(self, subject: str) -> str:
        settings = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={self.key.path}"]
        self.world.git(*settings, "commit", "--quiet", "--allow-empty", "-S", "--message", subject)
        return self.world.git("rev-parse", "HEAD").strip()

    def call(self, *arguments: str, verify: str = "head", **environment: str) -> Outcome:
        keys = {"RECONCILER_VERIFY": verify, "RECONCILER_ALLOWED_SIGNERS": str(self.allowed)}
        return self.world.call(*arguments, **{**keys, **environment})


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    world = World(tmp_path)
    world.write("[1]", "{stable: 1}")
    world.commit("half 1 is stable")
    key = ssh_key(tmp_path, "ada")
    (tmp_path / "allowed").write_text(f'ada@example.org namespaces="git" {key.public}\n')
    return Desk(world, key, tmp_path / "allowed")


@pytest.mark.parametrize("command", [["plan"], ["validate"], ["apply", "--timeout", "1"], ["diff", "--from", "HEAD"]])
def test_a_command_that_looks_at_an_unsigned_head_is_refused_and_says_why(desk: Desk, command: list[str]) -> None:
    found = desk.call(*command)
    assert found.code == (2 if command[0] == "diff" else 3)  # diff(1) has one code for all trouble
    assert "Unsigned: it carries no signature" in found.err


def test_a_signed_head_is_valid(desk: Desk) -> None:
    desk.sign("Vouch for it")
    assert desk.call("validate").code == 0


def test_strict_names_the_unsigned_commit_below_and_takes_it_as_baseline(desk: Desk) -> None:
    unsigned = desk.world.git("rev-parse", "HEAD").strip()
    desk.sign("Vouch for it")
    found = desk.call("validate", verify="strict")
    assert (found.code, f"--verify-from {unsigned}" in found.err) == (3, True)
    assert desk.call("validate", "--verify-from", unsigned, verify="strict").code == 0


def test_a_baseline_that_could_be_moved_is_no_baseline(desk: Desk) -> None:
    desk.sign("Vouch for it")
    found = desk.call("validate", "--verify-from", "main", verify="strict")
    assert (found.code, "git rev-parse main" in found.err) == (2, True)


def test_verification_without_keys_is_misuse(desk: Desk) -> None:
    found = desk.world.call("plan", "--verify", "head")
    assert (found.code, "--allowed-signers FILE" in found.err) == (2, True)


def test_revoked_keys_without_allowed_signers_are_misuse(desk: Desk) -> None:
    keys = ["--gpg-keyring", str(desk.allowed), "--revoked-keys", str(desk.allowed)]
    found = desk.world.call("plan", "--verify", "head", *keys)
    assert (found.code, "--revoked-keys goes with --allowed-signers" in found.err) == (2, True)


def test_a_plan_between_two_commits_asks_for_the_signature_of_the_one_to_go_to(desk: Desk) -> None:
    head = desk.sign("Vouch for it")
    assert desk.call("plan", "--from", f"{head}~1", "--to", head).code == 0
    assert desk.call("plan", "--from", head, "--to", f"{head}~1").code == 3


def test_several_keyrings_come_from_one_variable(desk: Desk, tmp_path: Path) -> None:
    desk.sign("Vouch for it")
    rings = [tmp_path / "a.asc", tmp_path / "b.asc"]
    found = desk.call("validate", RECONCILER_GPG_KEYRING=":".join(map(str, rings)))
    assert "a.asc" in found.err


def test_apply_records_who_signed_and_status_shows_it(desk: Desk) -> None:
    desk.sign("Vouch for it")
    desk.call("apply", "--timeout", "0.1")
    (condition,) = json.loads(desk.call("status", "-o", "json").out)["source"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("SourceVerified", "True", "Verified")
    assert f"ada@example.org ({desk.key.fingerprint})" in condition["message"]
    assert "SourceVerified True" in desk.call("status").err


def test_a_service_without_the_tools_says_at_its_start_what_to_install(desk: Desk, tmp_path: Path) -> None:
    desk.sign("Vouch for it")
    state = ["--state", str(tmp_path / "state"), "--repo", str(desk.world.repo), "--log-format", "json"]
    command = [sys.executable, "-m", "reconciler", "run", *state, "--verify", "head", "--interval", "0.1"]
    environment = {**os.environ, "PATH": str(tmp_path), "RECONCILER_ALLOWED_SIGNERS": str(desk.allowed)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as service:
        assert service.stderr is not None
        lines = [json.loads(service.stderr.readline()) for _ in range(3)]
        service.kill()
    assert "apt install openssh-client" in lines[1]["why"]
    assert lines[2]["reason"] == "ToolMissing"
    assert "nothing is applied" in lines[2]["why"]


def test_a_commit_made_here_that_would_not_be_put_in_force_is_not_pushed(desk: Desk) -> None:
    desk.world.write("[1, 2]", "{stable: 1, canary: 2}")
    desk.world.commit("half 2 is a canary")
    before = desk.sign("Vouch for it")
    desk.world.git("config", "receive.denyCurrentBranch", "ignore")
    found = desk.call("rollback", "half", "--offline", "--push", "--reason", "too slow")
    assert (found.code, "made here is not pushed" in found.err) == (3, True), found
    assert desk.world.git("rev-parse", "main").strip() == before


def test_a_plan_of_a_merge_says_that_no_signature_was_checked(desk: Desk) -> None:
    desk.world.git("branch", "feature")
    plan = ("plan", "--from", "main", "--to", "feature", "--merge")
    assert "No signature was checked, in spite of --verify head" in desk.call(*plan).err
    assert "No signature was checked" not in desk.world.call(*plan).err
