from dataclasses import replace

from builders import model
from expose_samples import COMMIT

from reconciler.expose import history
from reconciler.state.desired import Commit, DesiredModel, Place
from reconciler.state.history import Asked, Fate, Landing, Return, Row, Spec, Step

PLACE = Place("m.yaml", 3)
AT = 1_795_200_000.0
NEWER = "b" * 40
OLD, NEW = model("fashion", (41,), stable=41), model("fashion", (41, 42), stable=42)


def spec(wanted: DesiredModel, *servers: str) -> Spec:
    return Spec(wanted, PLACE, repr((wanted, servers)), servers or ("eu/gpu-1", "eu/gpu-2"))


def row(*landings: Landing) -> Row:
    step = Step(0, COMMIT)
    first = min((number for each in landings for number in each.entries), default=0)
    return Row(step, "fashion", Asked("fashion", spec(OLD), spec(NEW)), landings, first)


def landed(fate: Fate, server: str = "eu/gpu-1", because: str = "", *, at: float = AT) -> Landing:
    return Landing(server, fate, at, at + 48.0, (41, 42), because)


def test_servers_with_one_fate_are_counted() -> None:
    both = row(landed(Fate.DONE), landed(Fate.DONE, "eu/gpu-2"))
    assert history.outcome_text(both) == "done on 2 of 2 servers"


def test_a_server_that_stands_out_is_named_with_its_evidence() -> None:
    found = row(landed(Fate.DONE), landed(Fate.FAILED, "eu/gpu-2", "no space left"))
    assert history.outcome_text(found) == "done on 1 of 2 servers; FAILED on eu/gpu-2: no space left"


def test_evidence_of_a_server_cannot_reach_the_terminal() -> None:
    assert "\x1b" not in history.history_text([row(landed(Fate.FAILED, because="\x1b]0;x\x07"))], named=False)


def test_what_was_jumped_over_names_the_newer_commit() -> None:
    never = replace(row(Landing("eu/gpu-1", Fate.NEVER)), overtaken_by=NEWER)
    assert history.outcome_text(never) == "never applied, overtaken by bbbbbbbbbb on eu/gpu-1"


def test_how_often_it_was_put_right_is_counted() -> None:
    once, twice = (replace(landed(Fate.DONE), healed=number) for number in (1, 2))
    assert history.outcome_text(row(once)).endswith("put right once since")
    assert history.outcome_text(row(twice)).endswith("put right 2 times since")


def test_a_commit_that_was_carried_out_under_a_newer_one_says_so() -> None:
    found = row(replace(landed(Fate.DONE), by=NEWER))
    assert "    applied  d41, 2026-11-20 18:40:00 UTC, took 48 s, with bbbbbbbbbb\n" in (
        history.history_text([found], named=False)
    )


def test_the_time_is_from_the_first_reload_to_the_last_server() -> None:
    found = row(landed(Fate.DONE), landed(Fate.DONE, "eu/gpu-2", at=AT + 12))
    assert history.row_document(found)["seconds"] == 60.0


def test_what_is_under_way_has_taken_no_time_yet() -> None:
    assert history.row_document(row(landed(Fate.UNDER_WAY)))["seconds"] is None


def test_an_author_a_committer_and_a_signer_are_told_apart() -> None:
    commit = Commit("a" * 40, "Ada <a@example.org>", committer="Web <w@example.org>")
    found = Row(Step(0, commit), "fashion", signer="ada@example.org")
    assert history.who(found) == "Ada <a@example.org>, committed by Web <w@example.org>, signed by ada@example.org"


def test_servers_that_a_model_comes_to_and_leaves_are_named() -> None:
    asked = Asked("fashion", spec(OLD, "eu/gpu-1"), spec(OLD, "eu/gpu-2"))
    assert history.asked_text(Row(Step(0, COMMIT), "fashion", asked)) == "also on eu/gpu-2, no longer on eu/gpu-1"


def test_a_renamed_document_says_what_it_was_called() -> None:
    asked = Asked("fashion-eu", spec(OLD), spec(OLD), was="fashion")
    assert history.asked_text(Row(Step(0, COMMIT), "fashion-eu", asked)) == "renamed from fashion"


def test_a_claim_to_roll_back_is_shown_as_a_claim() -> None:
    found = replace(row(), rolled_back_by=(Return(NEWER, False), Return("c" * 40, True)))
    text = history.history_text([found], named=False)
    assert "    then     bbbbbbbbbb claims to roll this back, but sets back nothing of it\n" in text
    assert "    then     rolled back by cccccccccc\n" in text


def test_a_commit_about_many_models_is_one_paragraph_with_an_end() -> None:
    rows = [replace(row(), model=f"m{number}") for number in range(7)]
    text = history.history_text(rows, named=True)
    assert text.count("    asked") == 5
    assert "    … and 2 models more: `-o json` shows all\n" in text


def test_a_commit_that_changed_a_fleet_only_says_what() -> None:
    found = Row(Step(0, COMMIT, others=("adds eu/gpu-3",)), "")
    assert history.history_text([found], named=True).splitlines()[2:] == ["    also     adds eu/gpu-3"]


def test_a_table_in_markdown_has_one_line_per_commit() -> None:
    rows = [replace(row(landed(Fate.DONE)), model=name) for name in ("a", "b")]
    lines = history.history_markdown(rows, named=True).splitlines()
    assert len(lines) == 3
    assert lines[2].count(" | ") == 5
