"""What a model server says, and what it means; hostile answers included."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters import serving_answers as answers
from reconciler.adapters.serving_answers import Failed
from reconciler.state.look import LabelKind, ReachKind, ServingError, VersionState
from reconciler.state.memory import AnswerKind
from reconciler.wire.stubs import get_model_metadata_pb2, get_model_status_pb2, model_management_pb2

REFUSED_TEXT = "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Connection refused"


def status_reply(*entries: tuple[int, int, int, str]) -> bytes:
    message = get_model_status_pb2.GetModelStatusResponse()
    for version, state, code, text in entries:
        entry = message.model_version_status.add(version=version, state=state)
        entry.status.error_code, entry.status.error_message = code, text
    return bytes(message.SerializeToString())


def metadata_reply(version: int | None) -> bytes:
    message = get_model_metadata_pb2.GetModelMetadataResponse()
    message.model_spec.name = "m"
    if version is not None:
        message.model_spec.version.value = version
    return bytes(message.SerializeToString())


def reload_reply(code: int = 0, text: str = "") -> bytes:
    message = model_management_pb2.ReloadConfigResponse()
    message.status.error_code, message.status.error_message = code, text
    return bytes(message.SerializeToString())


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Failed(5, "Could not find any versions of model "), ReachKind.ANSWERING),
        (status_reply((1, 30, 0, "")), ReachKind.ANSWERING),
        (Failed(14, REFUSED_TEXT), ReachKind.UNREACHABLE),
        (Failed(14, "errors resolving nosuch.invalid:8500"), ReachKind.UNREACHABLE),
        (
            Failed(14, "last error: Tls handshake failed (TSI_PROTOCOL_FAILURE): WRONG_VERSION_NUMBER"),
            ReachKind.REFUSING,
        ),
        (Failed(14, "Custom verification check failed with error: UNAUTHENTICATED"), ReachKind.REFUSING),
        (Failed(14, "Failed parsing HTTP/2 (Expected SETTINGS frame)"), ReachKind.NOT_SERVING),
        (Failed(4, "Deadline Exceeded"), ReachKind.SLOW),
        (Failed(8, "thread quota"), ReachKind.SLOW),
        (Failed(16, "who are you"), ReachKind.REFUSING),
        (Failed(7, "no"), ReachKind.REFUSING),
        (Failed(12, "Method not found!"), ReachKind.NOT_SERVING),
        (Failed(5, "no such page"), ReachKind.NOT_SERVING),
        (b"<html>", ReachKind.NOT_SERVING),
    ],
)
def test_reach_is_told_by_the_first_reply(reply: answers.Reply, kind: ReachKind) -> None:
    assert answers.reach(reply).kind is kind


def test_statuses_come_descending_with_their_errors() -> None:
    look = answers.status("m", status_reply((1, 30, 0, ""), (3, 50, 15, "broken"), (2, 20, 0, "")))
    assert [(each.version, each.state, each.error) for each in look.entries] == [
        (3, VersionState.END, ServingError(15, "broken")),
        (2, VersionState.LOADING, None),
        (1, VersionState.AVAILABLE, None),
    ]


def test_unknown_model_has_no_entries_and_is_seen() -> None:
    look = answers.status("m", Failed(5, "Could not find any versions of model m"))
    assert (look.entries, look.unseen) == ((), "")


def test_failed_status_is_unseen_in_its_own_words() -> None:
    assert answers.status("m", Failed(4, "Deadline Exceeded")).unseen == "Deadline Exceeded (code 4)"


def test_state_nobody_knows_makes_the_model_unseen() -> None:
    look = answers.status("m", status_reply((1, 30, 0, ""), (2, 60, 0, "")))
    assert look.unseen == "version 2 is in state 60, which is not known here"


def test_endless_list_and_endless_text_are_cut() -> None:
    look = answers.status(
        "m", status_reply((10_049, 50, 2, "x" * 9999), *((version, 50, 2, "") for version in range(10_049)))
    )
    assert len(look.entries) == answers.MAX_ENTRIES
    assert look.entries[0].version == 10_049
    assert look.entries[0].error is not None
    assert len(look.entries[0].error.message) == answers.MAX_TEXT


@pytest.mark.parametrize(
    ("reply", "kind", "version"),
    [
        (metadata_reply(3), LabelKind.RESOLVES, 3),
        (Failed(5, "Servable not found for request: Specific(half, 3)"), LabelKind.DANGLES, 3),
        (Failed(5, "Servable not found for request: Specific(a, 1), 7)"), LabelKind.DANGLES, 7),
        (Failed(3, "Unrecognized servable version label: beta"), LabelKind.UNDEFINED, 0),
        (Failed(14, "Model labels does not init yet.beta"), LabelKind.UNDEFINED, 0),
        (Failed(5, "Servable not found for request: Latest(half)"), LabelKind.UNSEEN, 0),
        (Failed(14, "Socket closed"), LabelKind.UNSEEN, 0),
        (metadata_reply(None), LabelKind.UNSEEN, 0),
        (b"\xff\xff", LabelKind.UNSEEN, 0),
    ],
)
def test_label_means_what_metadata_says(reply: answers.Reply, kind: LabelKind, version: int) -> None:
    reading = answers.label(reply)
    assert (reading.kind, reading.version) == (kind, version)


def test_version_is_proven_by_its_own_answer_only() -> None:
    assert answers.proof("m", 3, metadata_reply(3)).answered
    denied = answers.proof("m", 3, Failed(5, "Servable not found for request: Specific(m, 3)"))
    assert (denied.answered, denied.unseen) == (False, "")
    assert answers.proof("m", 3, metadata_reply(4)).unseen
    assert answers.proof("m", 3, Failed(4, "Deadline Exceeded")).unseen


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (reload_reply(), AnswerKind.ACCEPTED),
        (reload_reply(9, "label"), AnswerKind.REFUSED),
        (Failed(2, "1 model(s) did not become available: {{{name: bad version: 4}}, }"), AnswerKind.MODELS_FAILED),
        (Failed(2, "1 servable(s) did not become available: {}"), AnswerKind.MODELS_FAILED),
        (Failed(9, "Request to assign label to version 3 of model half"), AnswerKind.REFUSED),
        (Failed(3, "Illegal to list model half multiple times in config list"), AnswerKind.REFUSED),
        (Failed(14, REFUSED_TEXT), AnswerKind.REFUSED),
        (Failed(14, "Socket closed"), AnswerKind.NONE),
        (Failed(4, "Deadline Exceeded"), AnswerKind.NONE),
        (Failed(1, "cancelled"), AnswerKind.NONE),
        (Failed(2, "Stream removed"), AnswerKind.NONE),
        (b"\xff\xff", AnswerKind.NONE),
    ],
)
def test_answer_to_a_reload_claims_no_more_than_is_sure(reply: answers.Reply, kind: AnswerKind) -> None:
    assert answers.reload(reply).kind is kind


@given(st.binary(max_size=200))
def test_no_bytes_break_anything(reply: bytes) -> None:
    answers.reach(reply)
    answers.status("m", reply)
    answers.label(reply)
    answers.proof("m", 1, reply)
    answers.reload(reply)
