"""Before a label moves: what clients will notice, what holds the move, and which export a number must be."""

from dataclasses import replace

from builders import (
    at,
    available,
    facts,
    lines,
    listing,
    model,
    next_lines,
    planned,
    reading,
    reasons,
    resource,
    seen,
    server,
    stored,
)

from reconciler.plan import spec_digest
from reconciler.sim.storage import USUAL
from reconciler.state.desired import Accepted, DesiredModel, Preflight
from reconciler.state.export import Export, TensorSpec
from reconciler.state.look import PathFacts, Presence, VersionFiles
from reconciler.state.memory import Replaced
from reconciler.state.observed import Observed
from reconciler.state.plan import ActionKind, Hold, ServerPlan

OLD, NEW = server(model("half", (1,), stable=1)), server(model("half", (2,), stable=2))
USUAL_INPUT = USUAL.signatures[0]


def export(version: int, **changed: object) -> Export:
    """What a version promises: one float input, one float output, unless it is said otherwise."""
    signature = replace(USUAL_INPUT, **changed)  # type: ignore[arg-type]  # by name
    return replace(
        USUAL, base_path="/models/half", version=version, fingerprint=f"sha256:{version}", signatures=(signature,)
    )


BREAKING = export(2, inputs=(TensorSpec("pixels", "float", (-1,)),))


def with_exports(observed: Observed, *exports: Export) -> Observed:
    return replace(stored(observed, "/models/half", 1, 2), exports=exports)


def breaking(*, loaded: bool = False) -> Observed:
    """Version 2 renames an input; perhaps it is loaded already."""
    observed = at(server(model("half", (1, 2), stable=1))) if loaded else at(OLD, NEW)
    return with_exports(observed, export(1), BREAKING)


def hold(plan: ServerPlan, reason: str) -> Hold:
    (found,) = [each for each in plan.holds if each.reason == reason]
    return found


def verdicts(plan: ServerPlan) -> list[str]:
    actions = [action for body in plan.passes for action in body.actions]
    return [action.verdict for action in actions if action.kind is ActionKind.LABEL]


def test_every_label_move_says_in_words_what_clients_will_notice() -> None:
    assert verdicts(planned(NEW, with_exports(at(OLD, NEW), export(1), export(2)))) == ["compatible"]


def test_a_label_does_not_move_to_a_version_that_breaks_its_clients() -> None:
    plan = planned(server(model("half", (1, 2), stable=2)), breaking(loaded=True))
    found = hold(plan, "SignatureBreak")
    assert next_lines(plan) == []
    assert (found.label, found.version, found.progressing) == ("stable", 2, False)
    assert "`pixels`" in found.detail
    assert "acceptBreaking: [{from: 1, to: 2, reason: ...}]" in found.released_by


def test_a_version_that_no_label_may_go_to_is_not_loaded_either() -> None:
    plan = planned(NEW, breaking())
    assert plan.passes == ()
    assert hold(plan, "SignatureBreak").version == 2


def test_a_version_that_another_label_may_go_to_is_loaded() -> None:
    wanted = server(model("half", (1, 2), stable=2, canary=2))
    plan = planned(wanted, breaking())
    assert lines(plan) == ["1 load half 2", "2 label half canary ->2"]
    assert hold(plan, "SignatureBreak").label == "stable"


def test_a_break_that_the_commit_accepts_is_carried_out_and_said() -> None:
    accepted = Preflight(accept_breaking=(Accepted(1, 2, "clients moved in pull request 118"),))
    wanted = server(replace(model("half", (2,), stable=2), preflight=accepted))
    plan = planned(wanted, breaking())
    assert lines(plan) == ["1 load half 2", "2 label half stable 1>2", "3 unload half 1"]
    assert verdicts(plan)[0].endswith("accepted: clients moved in pull request 118")


def test_an_accepted_break_does_not_hide_what_else_clients_should_know() -> None:
    newer = replace(BREAKING, tf_version="2.99.0")
    accepted = Preflight(accept_breaking=(Accepted(1, 2, "clients moved"),))
    wanted = server(replace(model("half", (2,), stable=2), preflight=accepted))
    (said,) = verdicts(planned(wanted, with_exports(at(OLD, NEW), export(1), newer)))
    assert "accepted: clients moved; besides, a warning: version 2 was written by TensorFlow 2.99.0" in said


def test_a_version_whose_warm_up_requests_would_fail_its_load_is_held_before_anything_is_touched() -> None:
    torn = replace(export(2), warmup=True, warmup_problem="the file is cut short")
    plan = planned(
        server(resource(model("half", (2,), stable=2))),
        exported := with_exports(at(OLD, NEW), export(1), torn),
    )
    found = hold(plan, "ArtifactUnreadable")
    assert (plan.passes, found.version) == ((), 2)
    assert "warm-up requests" in found.detail
    wanted = replace(model("half", (2,), stable=2), preflight=Preflight(accept_breaking=(Accepted(1, 2, "off"),)))
    assert planned(server(wanted), exported).passes


def test_a_server_that_serves_a_version_with_such_warm_up_requests_replays_none() -> None:
    torn = [replace(export(number), warmup=True, warmup_problem="the file is cut short") for number in (1, 2)]
    assert planned(NEW, with_exports(at(OLD, NEW), *torn)).passes


def test_a_consent_to_another_move_accepts_nothing() -> None:
    accepted = Preflight(accept_breaking=(Accepted(2, 1, "the other way"),))
    wanted = server(replace(model("half", (2,), stable=2), preflight=accepted))
    assert "SignatureBreak" in reasons(planned(wanted, breaking()))


def test_going_back_to_what_was_served_here_needs_no_consent() -> None:
    observed = reading(breaking(loaded=True), "half", "stable", 2)
    observed = listing(observed, "half", 1, 2, stable=2)
    observed = replace(observed, past=(("half", spec_digest(OLD.models[0], observed)),))
    plan = planned(OLD, observed)
    assert lines(plan) == ["1 label half stable 2>1", "2 unload half 2"]
    assert verdicts(plan) == ["served here before"]


def test_nothing_moves_before_the_signatures_were_read() -> None:
    plan = planned(NEW, with_exports(at(OLD, NEW)))
    assert next_lines(plan) == []
    assert hold(plan, "SignaturesUnread").progressing


def test_the_road_is_shown_whole_before_the_signatures_were_read() -> None:
    wanted = server(model("half", (1, 2), stable=2))
    observed = with_exports(seen(at(server(model("half", (1, 2), stable=1))), "half", available(2)))
    assert "SignaturesUnread" in reasons(planned(wanted, observed))


def test_a_move_away_from_files_that_are_gone_is_not_known_to_be_compatible() -> None:
    observed = stored(at(server(model("half", (1, 2), stable=1))), "/models/half", 2)
    plan = planned(server(model("half", (1, 2), stable=2)), observed)
    assert "not known to be compatible" in hold(plan, "SignatureBreak").detail


def test_where_storage_is_not_seen_by_consent_moves_are_not_compared() -> None:
    fleet = replace(OLD.fleet, allow_unseen_storage=True)
    unseen = PathFacts("/models/half", Presence.UNSEEN, detail="no mapping")
    observed = replace(at(server(model("half", (1, 2), stable=1), fleet=fleet)), paths=(unseen,))
    plan = planned(server(model("half", (1, 2), stable=2), fleet=fleet), observed)
    assert verdicts(plan) == ["not compared: storage is not seen from here"]


def pinned(wanted: DesiredModel, fingerprint: str) -> DesiredModel:
    return replace(wanted, preflight=Preflight(fingerprints=((2, fingerprint),)))


def test_a_number_that_is_another_export_than_git_pins_is_not_loaded() -> None:
    plan = planned(server(pinned(NEW.models[0], "sha256:other")), with_exports(at(OLD, NEW), export(1), export(2)))
    found = hold(plan, "FingerprintMismatch")
    assert plan.passes == ()
    assert "sha256:other" in found.detail
    assert "sha256:2" in found.detail


def test_the_export_that_git_pins_is_loaded() -> None:
    plan = planned(server(pinned(NEW.models[0], "sha256:2")), with_exports(at(OLD, NEW), export(1), export(2)))
    assert next_lines(plan) == ["load half 2"]


def test_files_changed_under_a_loaded_version_are_told_with_both_fingerprints() -> None:
    observed = replace(at(OLD), replaced=(Replaced("half", 1, "sha256:was", "sha256:is"),))
    plan = planned(OLD, observed)
    found = hold(plan, "FilesChanged")
    assert (plan.passes, plan.as_git_says) == ((), False)
    assert "sha256:was" in found.detail
    assert "sha256:is" in found.detail


def test_a_version_that_cannot_be_read_is_held_with_the_problem_before_anything_is_touched() -> None:
    torn = Export("/models/half", 2, "sha256:2", problem="saved_model.pb: field 13 is of a kind 6")
    plan = planned(NEW, with_exports(at(OLD, NEW), export(1), torn))
    found = hold(plan, "ArtifactUnreadable")
    assert (plan.passes, found.version) == ((), 2)
    assert "field 13 is of a kind 6" in found.detail


def test_leaving_a_version_that_cannot_be_read_is_not_known_to_be_compatible() -> None:
    torn = Export("/models/half", 1, "sha256:1", problem="saved_model.pb: cut off")
    assert reasons(planned(NEW, with_exports(at(OLD, NEW), torn, export(2)))) >= {"SignatureBreak"}


def test_a_directory_that_is_still_growing_is_waited_for_and_looked_at_again_soon() -> None:
    growing = VersionFiles(2, ("rest: it is still growing",), growing=True)
    observed = facts(at(OLD, NEW), PathFacts("/models/half", Presence.SEEN, (VersionFiles(1), growing)))
    plan = planned(NEW, observed)
    assert hold(plan, "ArtifactIncomplete").progressing
    assert plan.look_again_at == 1001.0
