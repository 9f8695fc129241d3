"""Which commits come into force when signatures are asked for: real repositories and record, verdicts as told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from repositories import Repository

from reconciler.adapters.clock import SystemClock
from reconciler.adapters.git import GitMirror, GitRemote
from reconciler.adapters.ledger import SqliteLedger
from reconciler.errors import RevisionMissing, SourceUnverified
from reconciler.sim.signatures import SimVerifier
from reconciler.source import Documents, InForce, Terms, Trust, Watch
from reconciler.state.outcome import ConditionStatus
from reconciler.state.signature import Verify

FLEET = """
apiVersion: reconciler.tfserving/v1alpha1
kind: Fleet
metadata: {name: eu}
spec: {servers: [{name: gpu-1, grpc: "gpu-1:8500"}]}
"""
BROKEN = {"fleet.yaml": "kind: Fleet"}


class Place:
    """One repository, one state directory, and a verifier that trusts Ada."""

    def __init__(self, folder: Path) -> None:
        self.repository = Repository(folder / "desired.git")
        self.mirror = GitMirror(folder / "mirror.git", GitRemote(self.repository.url))
        self.ledger = SqliteLedger(folder / "ledger.sqlite")
        self.verifier = SimVerifier(self.mirror.commit, {"ada"})

    def trust(self, verify: Verify, baseline: str = "") -> Trust:
        return Trust(self.mirror, self.verifier, verify, baseline)

    def watch(self, verify: Verify = Verify.HEAD, baseline: str = "") -> Watch:
        """A fresh process."""
        terms = Terms(trust=self.trust(verify, baseline))
        return Watch(self.mirror, Documents(self.mirror), self.ledger, SystemClock(), terms)

    def push(self, subject: str = "Change", *, key: str = "", files: dict[str, str] | None = None) -> str:
        commit = self.repository.commit(files or {"fleet.yaml": FLEET + f"# {subject}"}, subject)
        return self.verifier.sign(commit, key) if key else commit


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.ledger.close()


def in_force(answer: InForce) -> str | None:
    return answer.desired.commit.id if answer.desired is not None else None


def verdict(answer: InForce) -> tuple[ConditionStatus, str] | None:
    return (answer.verified.status, answer.verified.reason) if answer.verified is not None else None


TRUE, FALSE = ConditionStatus.TRUE, ConditionStatus.FALSE


def test_without_verification_nothing_is_asked_and_no_condition_told(place: Place) -> None:
    head = place.push()
    answer = place.watch(Verify.NONE).refresh()
    assert (in_force(answer), answer.verified, place.verifier.asked) == (head, None, [])


def test_a_signed_head_is_in_force_with_its_signer(place: Place) -> None:
    head = place.push(key="ada")
    answer = place.watch().refresh()
    assert in_force(answer) == head
    assert verdict(answer) == (TRUE, "Verified")
    assert answer.desired is not None
    assert answer.desired.commit.signer == "ada@example.org (SHA256:ada)"


def test_an_unsigned_head_is_not_applied_and_the_last_good_commit_stays(place: Place) -> None:
    watch, good = place.watch(), place.push(key="ada")
    watch.refresh()
    bad = place.push("Sneak in")
    answer = watch.refresh()
    assert in_force(answer) == good
    assert place.ledger.good_commit() == good
    assert verdict(answer) == (FALSE, "Unsigned")
    assert answer.trouble is not None
    assert answer.trouble.reason == "Unsigned"
    for part in (bad[:10], "Sneak in", "stays in force", "on top of it"):
        assert part in answer.trouble.message


def test_on_a_first_start_an_unsigned_head_puts_nothing_in_force(place: Place) -> None:
    place.push()
    answer = place.watch().refresh()
    assert (in_force(answer), verdict(answer)) == (None, (FALSE, "Unsigned"))
    assert "nothing is applied" in str(answer.trouble)


def test_the_documents_of_a_refused_commit_are_not_even_read(place: Place) -> None:
    place.push(files=BROKEN)
    assert place.watch().refresh().problems[0].startswith("Unsigned")


def test_a_signed_commit_on_top_of_unsigned_ones_goes_on_with_head(place: Place) -> None:
    watch = place.watch()
    place.push(key="ada")
    watch.refresh()
    place.push()
    watch.refresh()
    top = place.push(key="ada")
    answer = watch.refresh()
    assert (in_force(answer), verdict(answer), answer.trouble) == (top, (TRUE, "Verified"), None)


def test_a_signed_commit_on_top_of_an_unsigned_one_does_not_go_on_with_strict(place: Place) -> None:
    watch, good = place.watch(Verify.STRICT), place.push(key="ada")
    watch.refresh()
    spoiler = place.push("Sneak in")
    place.push(key="ada")
    answer = watch.refresh()
    assert (in_force(answer), verdict(answer)) == (good, (FALSE, "Unsigned"))
    assert f"--verify-from {spoiler}" in str(answer.trouble)
    assert "Sneak in" in str(answer.trouble)


def test_a_line_of_signed_commits_goes_on_with_strict(place: Place) -> None:
    watch = place.watch(Verify.STRICT)
    place.push(key="ada")
    watch.refresh()
    place.push(key="ada")
    head = place.push(key="ada")
    assert in_force(watch.refresh()) == head


def test_strict_asks_only_for_commits_since_the_one_in_force(place: Place) -> None:
    watch = place.watch(Verify.STRICT)
    place.push(key="ada")
    place.push(key="ada")
    watch.refresh()
    place.verifier.asked.clear()
    new = [place.push(key="ada"), place.push(key="ada")]
    watch.refresh()
    assert sorted(place.verifier.asked) == sorted(new)


def test_on_a_first_start_strict_wants_every_commit_down_to_the_root(place: Place) -> None:
    place.push("Begin")
    place.push(key="ada")
    answer = place.watch(Verify.STRICT).refresh()
    assert in_force(answer) is None
    assert "Begin" in str(answer.trouble)


def test_a_baseline_and_all_below_it_need_no_signature(place: Place) -> None:
    place.push("Begin")
    baseline = place.push("Go on")
    head = place.push(key="ada")
    assert in_force(place.watch(Verify.STRICT, baseline).refresh()) == head


def test_a_baseline_is_the_way_out_after_an_unsigned_commit(place: Place) -> None:
    place.push(key="ada")
    place.watch(Verify.STRICT).refresh()
    spoiler = place.push("Sneak in")
    head = place.push(key="ada")
    assert in_force(place.watch(Verify.STRICT, spoiler).refresh()) == head


def test_a_baseline_does_not_make_an_unsigned_head_good(place: Place) -> None:
    baseline = place.push()
    assert in_force(place.watch(Verify.STRICT, baseline).refresh()) is None


def test_a_baseline_that_is_not_in_the_repository_is_said(place: Place) -> None:
    place.push(key="ada")
    answer = place.watch(Verify.STRICT, "0" * 40).refresh()
    assert in_force(answer) is None
    assert "--verify-from" in str(answer.trouble)


def test_commits_of_a_merged_branch_need_no_signature_of_their_own(place: Place) -> None:
    watch, base = place.watch(Verify.STRICT), place.push(key="ada")
    watch.refresh()
    side = place.repository.commit({"fleet.yaml": FLEET}, branch="feature", parents=[base])
    merge = place.repository.commit({"fleet.yaml": FLEET}, "Merge", parents=[base, side])
    place.verifier.sign(merge, "ada")
    assert in_force(watch.refresh()) == merge


def test_a_merge_the_wrong_way_round_is_judged_down_to_where_the_lines_part(place: Place) -> None:
    """`git pull` on a feature branch, pushed as main: what was in force is now the second parent."""
    place.push("Unsigned root")
    fork = place.push("Fork")
    watch = place.watch(Verify.STRICT, fork)
    good = place.push(key="ada")
    assert in_force(watch.refresh()) == good
    local = place.repository.commit({"fleet.yaml": FLEET}, "Local", branch="mine", parents=[fork])
    merge = place.repository.commit({"fleet.yaml": FLEET}, "Merge", parents=[local, good])
    place.verifier.sign(merge, "ada")
    assert in_force(place.watch(Verify.STRICT).refresh()) == good  # Local is unsigned, and nobody asked for Fork
    place.verifier.sign(local, "ada")
    assert in_force(place.watch(Verify.STRICT).refresh()) == merge


def test_a_line_longer_than_one_page_of_history_is_judged_to_its_end(place: Place) -> None:
    first = place.push(key="ada")
    place.watch(Verify.STRICT).refresh()
    spoiler = place.push("Far below")
    for _ in range(150):
        place.push(key="ada")
    answer = place.watch(Verify.STRICT).refresh()
    assert in_force(answer) == first
    assert spoiler[:10] in str(answer.trouble)
    place.verifier.sign(spoiler, "ada")
    assert in_force(place.watch(Verify.STRICT).refresh()) == place.mirror.head()


def test_a_key_that_becomes_trusted_puts_the_waiting_head_in_force(place: Place) -> None:
    watch, head = place.watch(), place.push(key="grace")
    assert verdict(watch.refresh()) == (FALSE, "UnknownKey")
    place.verifier.keys.add("grace")
    assert in_force(watch.refresh()) == head


def test_a_refused_head_is_not_verified_again_while_nothing_changes(place: Place) -> None:
    watch = place.watch()
    place.push(key="grace")
    watch.refresh()
    place.verifier.asked.clear()
    watch.refresh()
    assert place.verifier.asked == []


def test_a_missing_tool_is_looked_for_again_at_every_look(place: Place) -> None:
    watch, head = place.watch(), place.push(key="ada")
    place.verifier.tool_missing = True
    answer = watch.refresh()
    assert (in_force(answer), verdict(answer)) == (None, (FALSE, "ToolMissing"))
    place.verifier.tool_missing = False
    assert in_force(watch.refresh()) == head


def test_what_was_in_force_stays_when_verification_is_switched_on_and_is_told_apart(place: Place) -> None:
    head = place.push()
    place.watch(Verify.NONE).refresh()
    answer = place.watch(Verify.HEAD).refresh()
    assert (in_force(answer), verdict(answer), answer.trouble) == (head, (FALSE, "Unsigned"), None)
    assert answer.verified is not None
    assert "stays in force" in answer.verified.message


def test_a_key_that_is_taken_away_leaves_what_it_signed_in_force(place: Place) -> None:
    head = place.push(key="ada")
    place.watch().refresh()
    place.verifier.keys.clear()
    assert in_force(place.watch().refresh()) == head


def test_after_a_restart_the_signer_is_known_though_the_head_is_refused(place: Place) -> None:
    good = place.push(key="ada")
    place.watch().refresh()
    place.push()
    place.watch().refresh()
    recalled = place.watch().recall()
    assert recalled.desired is not None
    assert (in_force(recalled), recalled.desired.commit.signer) == (good, "ada@example.org (SHA256:ada)")
    assert verdict(recalled) == (FALSE, "Unsigned")


def test_a_refusal_that_lasts_keeps_the_time_it_began(place: Place) -> None:
    place.push()
    first = place.watch().refresh()
    place.push()
    second = place.watch().refresh()
    assert first.verified is not None
    assert second.verified is not None
    assert second.verified.since == first.verified.since


def test_verification_switched_off_leaves_no_condition_behind(place: Place) -> None:
    place.push(key="ada")
    place.watch().refresh()
    assert place.watch(Verify.NONE).refresh().verified is None
    assert place.watch(Verify.NONE).recall().verified is None


def test_consent_in_the_trailers_of_an_unsigned_commit_counts_for_nothing(place: Place) -> None:
    watch, good = place.watch(), place.push(key="ada")
    watch.refresh()
    place.push("Empty it\n\nModel-Prune: all\nBlast-Radius: confirmed\nRollback-Of: " + good)
    answer = watch.refresh()
    assert answer.desired is not None
    assert (in_force(answer), answer.desired.commit.prunes_all) == (good, False)


def test_trailers_of_a_rollback_carry_no_authority(place: Place) -> None:
    watch, good = place.watch(), place.push(key="ada")
    watch.refresh()
    place.push(f"Roll back\n\nRollback-To: {good}\nRollback-Trigger: auto\nReconciler-Bot: rollback")
    assert verdict(watch.refresh()) == (FALSE, "Unsigned")


@pytest.mark.parametrize("times", [(4_000_000_000, 1), (1, 4_000_000_000)])
def test_commits_of_any_time_follow_each_other_by_parent_alone(place: Place, times: tuple[int, int]) -> None:
    watch = place.watch(Verify.STRICT)
    for time in times:
        place.repository._now = time
        head = place.push(key="ada")
        assert in_force(watch.refresh()) == head


def test_a_commit_made_here_without_a_trusted_signature_is_not_pushed(place: Place) -> None:
    own, theirs = place.push(), place.push(key="ada")
    place.mirror.poll()
    with pytest.raises(SourceUnverified, match="made here is not pushed") as refused:
        place.trust(Verify.HEAD).require_own(own)
    assert refused.value.reason == "Unsigned"
    place.trust(Verify.STRICT).require_own(theirs)
    place.trust(Verify.NONE).require_own(own)


def test_a_command_that_needs_a_verified_commit_is_refused_or_gets_the_signer(place: Place) -> None:
    signed, unsigned = place.push(key="ada"), place.push()
    place.mirror.poll()
    trust = place.trust(Verify.HEAD)
    found = trust.require(place.mirror.commit(signed)).signature
    assert found is not None
    assert found.signer == "ada@example.org"
    with pytest.raises(SourceUnverified, match="Unsigned"):
        trust.require(place.mirror.commit(unsigned))
    with pytest.raises(RevisionMissing):
        place.trust(Verify.STRICT, "0" * 40).require(place.mirror.commit(signed))
