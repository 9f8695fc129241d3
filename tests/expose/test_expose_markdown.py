from dataclasses import replace
from itertools import pairwise

from expose_samples import COMMIT, PLAN, PROMOTE, QUIET, RESOURCE, SUBJECT, same_as_golden
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.expose import markdown
from reconciler.expose.changes import Changes, ModelChange, Removals
from reconciler.expose.review import Review, comment_key, orders
from reconciler.state.desired import Desired, DesiredServer, Fleet, Place, Rollout, Wave
from reconciler.state.plan import Hold, HoldReason, Plan, ServerPlan

CHANGES = Changes(
    (ModelChange("half", ("eu-gpu/gpu-1",), ("stable 1 → 2",), ("+2", "−1"), (), Place("models/half.yaml", 4)),),
    ("Fleet eu-gpu: prune false → true",),
    (Removals("eu-gpu", 3, 12, "2", held=True),),
)
REVIEW = Review(
    PLAN,
    SUBJECT,
    comment_key("", ""),
    CHANGES,
    notices=('Planned is what merging 3f2a9c1d04 "Promote half to 2" into 11aa22bb33 "Add ranker" gives.',),
    warnings=("models/half.yaml:9:3 unlabelled-traffic requests without a label go to 2 — name a label",),
    known_warnings=2,
    unknown=("Storage was not looked at.",),
    orders=("Fleet eu-gpu: 1 server at a time",),
    command="reconciler plan --from origin/main --to HEAD --merge",
)
HOSTILE = st.text(st.sampled_from(list("`*_[]()<>!#|\\~$&@:/.-+1a \n\u202eé👩")), max_size=300)


def comment(review: Review = REVIEW) -> str:
    return markdown.plan_markdown(review)


def test_comment_reads_as_reviewed() -> None:
    assert same_as_golden("plan.md", comment())


def test_comment_of_a_plan_without_a_commit_to_compare_with_reads_as_reviewed() -> None:
    assert same_as_golden("plan-live.md", comment(Review(PLAN, SUBJECT)))


def test_comment_begins_with_its_marker_and_a_headline() -> None:
    first, second = comment().splitlines()[:2]
    assert first == f"<!-- reconciler-plan:{REVIEW.key} -->"
    assert second == "### Plan: <code>half</code> changes on 2 servers"


def test_verdict_and_warnings_come_before_changes_and_steps() -> None:
    places = [comment().index(each) for each in ("⛔", "**Warnings**", "**What would stop it**", "**What changes**")]
    places += [comment().index(each) for each in ("**For clients", "**Memory**", "**Step by step**")]
    assert all(before < after for before, after in pairwise(places))


def fleet_of(number: int) -> Plan:
    return Plan(COMMIT.id, tuple(replace(PROMOTE, server=f"eu-gpu/gpu-{each:03}") for each in range(1, number + 1)))


def test_a_hundred_servers_alike_are_one_section_that_names_them_all() -> None:
    text = comment(replace(REVIEW, plan=fleet_of(100)))
    assert text.count("<details") == 1
    assert "(100 servers)" in text
    assert all(f"eu-gpu/gpu-{number:03}" in text for number in range(1, 101))
    assert len(text) < 10_000


def test_servers_that_only_wait_their_turn_are_folded_with_the_first() -> None:
    turn = Hold(HoldReason.WAVE_TURN, "", "gpu-001 goes first", "its end", progressing=True)
    first, *others = fleet_of(100).servers
    plan = Plan(COMMIT.id, (first, *(replace(each, holds=(*each.holds, turn), waiting=True) for each in others)))
    text = comment(replace(REVIEW, plan=plan))
    assert text.count("<details") == 1
    assert "99 servers first wait: <code>WaveTurn</code>" in text


def test_a_thousand_servers_of_which_none_is_like_the_other_stay_below_the_limit() -> None:
    servers = tuple(
        replace(each, warnings=(f"warning {number}",), holds=(replace(each.holds[0], model=f"m{number}"),))
        for number, each in enumerate(fleet_of(1000).servers)
    )
    text = comment(replace(REVIEW, plan=Plan(COMMIT.id, servers)))
    assert len(text.encode()) < 65_536
    assert "warnings more not shown" in text
    assert "holds more not shown" in text
    assert "**For clients" in text
    assert "Shortened. <code>reconciler plan --from origin/main --to HEAD --merge</code> prints all of it" in text


def test_details_are_dropped_before_verdicts() -> None:
    servers = tuple(
        replace(each, passes=tuple(replace(body, number=number) for body in each.passes))
        for number, each in enumerate(fleet_of(400).servers)
    )
    text = comment(replace(REVIEW, plan=Plan(COMMIT.id, servers)))
    assert "⛔" in text
    assert "**What changes**" in text
    assert "Shortened." in text


@settings(max_examples=60)
@given(names=st.lists(HOSTILE, min_size=1, max_size=8), copies=st.integers(1, 60))
def test_whatever_is_in_a_plan_the_comment_is_short_enough_and_whole(names: list[str], copies: int) -> None:
    servers = tuple(
        replace(each, server=f"eu/{number}{name}", warnings=(name * copies,), holds=(_hold(name, copies),))
        for number, name in enumerate(names * copies)
        for each in (PROMOTE, RESOURCE)
    )
    changes = tuple(ModelChange(name, (name,) * copies, (name,) * copies) for name in names * copies)
    subject = replace(SUBJECT, commit=replace(COMMIT, subject=names[0] * 100, author=names[-1] * 100))
    review = replace(REVIEW, plan=Plan("c", servers), subject=subject, changes=Changes(changes), notices=tuple(names))
    text = comment(replace(review, command=names[0] * copies, unknown=tuple(names), orders=tuple(names)))
    assert len(text.encode()) < 65_536
    assert text.count("<details") == text.count("</details>")
    assert text.count("-->") == 1
    assert "**Warnings**" in text
    assert "⛔" in text
    assert "<sub>" in text


def _hold(name: str, copies: int) -> Hold:
    return Hold(HoldReason.ARTIFACT_MISSING, name * copies, name * copies, name * copies)


@given(st.lists(HOSTILE, min_size=1, max_size=300))
def test_problems_are_one_short_enough_comment(lines: list[str]) -> None:
    text = markdown.problems_markdown("k", lines[0], [f"a.yaml:1:1 {each}" for each in lines], lines[0])
    assert len(text.encode()) < 65_536
    assert f"### Not valid: {len(lines)} problem" in text


def test_problems_are_listed_with_file_and_line() -> None:
    text = markdown.problems_markdown("k", "HEAD", ["models/a_b.yaml:7:28 version-out-of-range `0` — <write> it"], "x")
    assert "- <code>models/a&#95;b.yaml:7:28</code> version-out-of-range <code>0</code> — &lt;write&gt; it\n" in text


def test_a_merge_conflict_names_the_files() -> None:
    text = markdown.refusal_markdown("k", "Commit a cannot be merged into b.", ["models/half.yaml", "-->.yaml"])
    assert "### No plan: merge conflict" in text
    assert "- <code>models/half.yaml</code>" in text
    assert text.count("-->") == 1


def test_a_plan_that_changes_nothing_says_so_in_its_headline() -> None:
    text = comment(Review(Plan(COMMIT.id, (QUIET,)), SUBJECT, changes=Changes()))
    assert "\n### Plan: nothing changes\n\n1 server, 0 passes, 0 holds. Nothing to do" in text


def test_a_hold_whose_words_differ_from_server_to_server_is_still_one() -> None:
    plan = Plan("c", tuple(ServerPlan(f"eu/{n}", holds=(replace(PROMOTE.holds[0], detail=f"on {n}"),)) for n in "ab"))
    text = comment(Review(plan, SUBJECT))
    assert text.count("<code>ArtifactMissing</code> |") == 1
    assert "the others say it in other words" in text


def test_keys_of_different_folders_and_fleets_differ_and_cannot_end_a_comment() -> None:
    keys = [comment_key(*each) for each in (("", ""), ("a", ""), ("", "a"), ("a-", ""), ("-->", "--><script>"))]
    assert len(set(keys)) == len(keys)
    assert not any("--" in key or ">" in key for key in keys)


def test_a_fleet_with_waves_says_in_which_order_it_takes_a_change_up() -> None:
    rollout = Rollout(2, 1, (Wave("first", pause=600.0), Wave("rest")))
    desired = Desired(COMMIT, (DesiredServer(Fleet("eu-gpu", rollout=rollout), "gpu-1", "a:1"),))
    assert orders(desired, PLAN) == (
        "Fleet eu-gpu: waves first (and 10 min of pause), then rest; 2 servers at a time; it stops when 1 server "
        "cannot be reached",
    )
