import json
from dataclasses import replace

from expose_samples import COMMIT, LOAD, PROMOTE, config
from rich.console import Console

from reconciler.expose import documents, explain, explained, problems, status, timeline
from reconciler.propose import Bot, Waiting
from reconciler.state.look import LabelKind, LabelReading, ServingError, VersionState
from reconciler.state.memory import LabelMemory, Memory, VersionMemory
from reconciler.state.outcome import (
    Condition,
    ConditionStatus,
    ConditionType,
    Health,
    Intent,
    Outcome,
    OutcomeKind,
    Status,
    Sync,
)
from reconciler.state.plan import Hold, HoldReason, Pass, PassKind, Retained, ServerPlan

AT = 1_795_200_000.0
BLOCKED = Condition(ConditionType.READY, ConditionStatus.FALSE, "ArtifactMissing", "version 7 is not in storage", AT)
READY = Condition(ConditionType.READY, ConditionStatus.TRUE, "Synced", "what git says is what is served", AT)

STATUSES = (
    Status("eu-gpu/gpu-1", "", Sync.OUT_OF_SYNC, Health.DEGRADED, (BLOCKED,), COMMIT.id, AT),
    Status("eu-gpu/gpu-1", "half", Sync.SYNCED, Health.HEALTHY, (READY,), COMMIT.id, AT),
    Status("eu-gpu/gpu-1", "fashion", Sync.OUT_OF_SYNC, Health.DEGRADED, (BLOCKED,), COMMIT.id, AT),
    Status("us-gpu/gpu-3", "", Sync.SYNCED, Health.HEALTHY, (READY,), COMMIT.id, AT),
)
MEMORY = Memory(
    "eu-gpu/gpu-1",
    "gpu-1:8500",
    labels=(LabelMemory("half", "stable", LabelReading(LabelKind.RESOLVES, 2), AT),),
    versions=(
        VersionMemory("half", 4, VersionState.END, ServingError(3, "corrupt")),
        VersionMemory("half", 3, VersionState.LOADING),
        VersionMemory("half", 2, VersionState.AVAILABLE),
        VersionMemory("half", 1, VersionState.END),
        VersionMemory("fashion", 1, VersionState.AVAILABLE),
    ),
)
INTENT = Intent(7, AT, COMMIT.id, "eu-gpu/gpu-1", Pass(1, PassKind.CHANGE, (LOAD,), config((1, 2))))
LOADED = Outcome(7, LOAD, OutcomeKind.DONE, AT + 0.9)
RECORDS = explain.Records(STATUSES, {"eu-gpu/gpu-1": PROMOTE}, (INTENT,), (LOADED,))


def told(subject: str) -> str:
    return explained.explain_text(subject, explain.answers(subject, RECORDS), RECORDS)


def test_each_fleet_comes_before_its_servers_and_each_server_before_its_models() -> None:
    rows = status.rows(STATUSES, (MEMORY,))
    assert [(row.kind, row.name, row.model) for row in rows] == [
        ("fleet", "eu-gpu", ""),
        ("server", "eu-gpu/gpu-1", ""),
        ("model", "eu-gpu/gpu-1", "fashion"),
        ("model", "eu-gpu/gpu-1", "half"),
        ("fleet", "us-gpu", ""),
        ("server", "us-gpu/gpu-3", ""),
    ]


def test_fleet_is_as_bad_as_its_worst_server() -> None:
    fleet = status.rows(STATUSES, ())[0]
    assert (fleet.sync, fleet.health, fleet.commit) == (Sync.OUT_OF_SYNC, Health.DEGRADED, COMMIT.id)


def test_model_row_shows_labels_as_last_read_back() -> None:
    half = next(row for row in status.rows(STATUSES, (MEMORY,)) if row.model == "half")
    assert half.labels == (("stable", "2"),)


def test_model_row_shows_the_versions_that_are_there_or_failed() -> None:
    half = status.rows((replace(STATUSES[1], sync=Sync.OUT_OF_SYNC),), (MEMORY,))[-1]
    assert half.versions == ((2, "AVAILABLE"), (3, "LOADING"), (4, "FAILED"))


def test_what_failed_is_history_once_a_model_is_as_git_says() -> None:
    half = status.rows((STATUSES[1],), (MEMORY,))[-1]
    assert half.versions == ((2, "AVAILABLE"), (3, "LOADING"))


def test_versions_of_a_server_that_cannot_be_seen_are_not_shown_as_there() -> None:
    unseen = Status("eu-gpu/gpu-1", "half", Sync.UNKNOWN, Health.UNKNOWN, (BLOCKED,), COMMIT.id, AT)
    assert status.rows((unseen,), (MEMORY,))[-1].versions == ()


def test_table_names_the_state_of_versions_that_are_not_available() -> None:
    console = Console(no_color=True, force_terminal=False, width=200)
    with console.capture() as capture:
        console.print(status.status_table(status.rows((replace(STATUSES[1], sync=Sync.OUT_OF_SYNC),), (MEMORY,))))
    assert "2, 3 LOADING, 4 FAILED" in capture.get()


def test_table_fits_its_rows_without_colours() -> None:
    console = Console(no_color=True, force_terminal=False, width=200)
    with console.capture() as capture:
        console.print(status.status_table(status.rows(STATUSES, (MEMORY,))))
    assert "eu-gpu/gpu-1  half     Synced" in capture.get()


def test_status_as_json_has_times_and_reasons() -> None:
    document = status.status_document(status.rows(STATUSES, (MEMORY,)), {"commit": COMMIT.id})
    items = json.loads(documents.as_json(document))["items"]
    assert items[1] == {
        "kind": "server",
        "name": "eu-gpu/gpu-1",
        "model": None,
        "sync": "OutOfSync",
        "health": "Degraded",
        "reason": "ArtifactMissing",
        "message": "version 7 is not in storage",
        "since": "2026-11-20T18:40:00.000Z",
        "versions": {},
        "labels": {},
        "commit": COMMIT.id,
        "at": "2026-11-20T18:40:00.000Z",
    }


def test_explanation_of_a_held_model_says_what_blocks_since_when_and_what_releases_it() -> None:
    said = told("fashion")
    assert "blocked   ArtifactMissing, since 2026-11-20 18:40:00 UTC: version 7 is not in storage" in said
    assert "released by the directory /models/fashion/7" in said
    assert "next      nothing until it is released as said above" in said


def test_explanation_of_a_moving_model_says_what_comes_next_and_what_was_done_last() -> None:
    said = told("half")
    assert "next      half load 2; half check 2 golden; half stable 1 → 2; half unload 1 (about " in said
    assert "eu-gpu/gpu-1  half load 2: done after 0.9 s" in said


def test_a_server_may_be_named_by_its_own_name_alone_and_a_fleet_names_its_servers() -> None:
    assert told("gpu-1") == told("eu-gpu/gpu-1") == told("eu-gpu") != ""


def test_one_model_on_one_server_can_be_asked_for() -> None:
    assert len(explain.answers("eu-gpu/gpu-1/half", RECORDS)) == 1


def test_unknown_name_is_answered_with_a_sentence() -> None:
    assert told("nope") == (
        "The record knows no model, server or fleet named nope; it knows eu-gpu/gpu-1, fashion, half, us-gpu/gpu-3.\n"
    )


def test_server_without_a_plan_on_record_is_explained_by_its_status() -> None:
    assert "no plan of it is on record yet" in told("us-gpu/gpu-3")


def test_what_a_local_pin_holds_is_not_said_to_be_what_git_asks_for() -> None:
    held = Condition(ConditionType.PINNED, ConditionStatus.TRUE, "RolledBackLocally", "Held to commit 3f2a9c1d04", AT)
    pinned = replace(STATUSES[1], sync=Sync.OUT_OF_SYNC, conditions=(READY, held))
    plan = replace(PROMOTE, passes=(), holds=(), differences=())
    records = replace(RECORDS, statuses=(pinned,), plans={"eu-gpu/gpu-1": plan})
    text = explained.explain_text("half", explain.answers("half", records), records)
    assert "next      nothing until the pin ends" in text


def test_explanation_as_json_has_the_same_holds() -> None:
    document = explain.explain_document("fashion", explain.answers("fashion", RECORDS), RECORDS)
    answer = json.loads(documents.as_json(document))["answers"][0]
    assert answer["holds"][0]["reason"] == "ArtifactMissing"
    assert answer["holds"][0]["since"] == "2026-11-20T18:40:00.000Z"


def test_trouble_with_git_stands_above_everything() -> None:
    records = explain.Records(STATUSES, {}, trouble="the remote does not answer")
    said = explained.explain_text("half", explain.answers("half", records), records)
    assert said.startswith("git: the remote does not answer\n")


def test_failed_action_shows_its_evidence_in_the_timeline() -> None:
    failed = Outcome(7, LOAD, OutcomeKind.FAILED, AT + 2, "Can't parse saved_model.pb")
    lines = timeline.done_lines(timeline.Done(INTENT, (failed,)))
    assert lines == [
        "2026-11-20 18:40:00 UTC  eu-gpu/gpu-1  half load 2: failed, Can't parse saved_model.pb",
        "  + half load 2  failed after 2.0 s (Can't parse saved_model.pb)",
    ]


def test_open_action_is_under_way() -> None:
    assert timeline.headline(timeline.Done(INTENT)).endswith("half load 2: under way")


def test_problems_are_lines_for_people_and_places_for_editors() -> None:
    found = ("models/half.yaml:3:5 versions.specific: 007 has a leading zero — write 7",)
    assert problems.problems_text(found, (), "/repo").splitlines()[-1] == "1 problem in /repo."
    placed = json.loads(documents.as_json(problems.problems_document(found, (), "/repo")))["problems"][0]
    assert (placed["path"], placed["line"], placed["column"]) == ("models/half.yaml", 3, 5)


def test_valid_commit_with_warnings_says_how_many() -> None:
    assert problems.problems_text((), ("a:1:1 beware",), "/repo").endswith("/repo is valid with 1 warning.\n")


def test_explanation_says_how_long_it_takes_from_the_last_loads() -> None:
    known = replace(RECORDS, loads={("eu-gpu/gpu-1", "half"): 2.5})
    said = explained.explain_text("half", explain.answers("half", known), known)
    assert "half unload 1 (about 4.5 s once it may go)" in said


def test_explanation_says_that_a_load_was_never_measured() -> None:
    said = told("half")
    assert "(about 2.0 s once it may go, and a load that was never measured here)" in said


def test_explain_says_what_a_bot_waits_for_and_what_it_leaves_to_a_person() -> None:
    waits = Waiting(Bot.PROMOTION, "half-eu", "Baking", "version 2 has to stand well", until=AT)
    stuck = Waiting(Bot.ROLLBACK, "half-eu", "HadBefore", "a person wanted it once more", stuck=True)
    name = next(status.model for status in STATUSES if status.model)
    records = explain.Records(STATUSES, {}, bots=((name, waits), (name, stuck), ("other", waits)))
    text = explained.explain_text(name, explain.answers(name, records), records)
    assert text.count("  bot  ") == 2 * sum(status.model == name for status in STATUSES)
    assert "promotion waits: Baking, until " in text
    assert "rollback leaves it to a person: HadBefore: a person wanted it once more" in text


STUCK = Hold(HoldReason.FROZEN, "half", "window weekend", "the next opening")


def explained_plan(plan: ServerPlan, subject: str, *found: Status) -> str:
    known = explain.Records(found, {each.server: replace(plan, server=each.server) for each in found})
    return explained.explain_text(subject, explain.answers(subject, known), known)


def half_on(server: str, since: float = AT, *conditions: Condition) -> Status:
    frozen = Condition(ConditionType.READY, ConditionStatus.FALSE, "Frozen", "window weekend", since)
    return Status(server, "half", Sync.OUT_OF_SYNC, Health.HEALTHY, conditions or (frozen,), COMMIT.id, AT)


def test_servers_that_are_held_alike_are_explained_once_with_the_longest_wait() -> None:
    plan = ServerPlan("", holds=(STUCK,))
    said = explained_plan(plan, "half", *(half_on(f"eu/gpu-{number}", AT - number) for number in range(5)))
    assert said.startswith("half on eu/gpu-0, eu/gpu-1, eu/gpu-2 and 2 more: OutOfSync, Healthy\n")
    assert "state     Frozen since 2026-11-20 18:39:56 UTC\n" in said
    assert said.count("window weekend") == 1


def test_a_hold_is_not_said_a_second_time_as_the_state() -> None:
    said = explained_plan(ServerPlan("", holds=(STUCK,)), "half", half_on("eu/gpu-1"))
    assert said.count("window weekend") == 1


def test_of_a_server_the_explanation_names_the_models_that_are_held_alike_together() -> None:
    plan = ServerPlan("", holds=(STUCK, replace(STUCK, model="fashion")))
    said = explained_plan(plan, "gpu-1", replace(half_on("eu/gpu-1"), model=""))
    assert "fashion and half: window weekend" in said
    assert said.count("window weekend") == 1


def test_what_only_follows_from_other_holds_is_not_said_to_block() -> None:
    after = Hold(HoldReason.CHANGES_FIRST, "half", "version 1 stays until 2 is there", "the others")
    said = explained_plan(ServerPlan("", holds=(STUCK, after)), "half", half_on("eu/gpu-1"))
    assert "  follows   version 1 stays until 2 is there\n" in said


def test_an_error_of_several_lines_is_one_line() -> None:
    torn = replace(STUCK, detail="Read less bytes\n\t [[{{node RestoreV2}}]]")
    said = explained_plan(ServerPlan("", holds=(torn,)), "half", half_on("eu/gpu-1"))
    assert "Read less bytes [[{{node RestoreV2}}]]" in said


def test_a_version_that_is_kept_loaded_and_checks_that_passed_are_named() -> None:
    passed = Condition(ConditionType.CHECKS_PASSED, ConditionStatus.TRUE, "Passed", "golden of 2: as git says", AT)
    said = explained_plan(ServerPlan("", retained=(Retained("half", 1, AT),)), "half", half_on("eu/g", AT, passed))
    assert "keeps     half 1 loaded until 2026-11-20 18:40:00 UTC: going back to it needs no load" in said
    assert "checks    golden of 2: as git says" in said
