"""Whom a refused config throws suspicion on, and when that ends."""

from dataclasses import replace

from builders import config, model, server

from reconciler import belief
from reconciler.state.config import ServerConfig
from reconciler.state.memory import Answer, AnswerKind, Memory, Outstanding, Standing

SERVER = server(model("half", (1, 2), stable=2), model("other", (1, 2), stable=1))
BEFORE = config(half={"versions": (1,), "stable": 1}, other={"versions": (1,), "stable": 1})
BOTH = config(half={"versions": (1, 2), "stable": 1}, other={"versions": (1, 2), "stable": 1})
KNOWN = replace(belief.first_contact(SERVER), standing=Standing.KNOWN, sent=BEFORE)
ACCEPTED = Answer(AnswerKind.ACCEPTED)


def refused(sent: ServerConfig, words: str = "words", memory: Memory = KNOWN, now: float = 10.0) -> Memory:
    sending = replace(memory, outstanding=Outstanding(sent, (), now))
    return belief.answered(SERVER, sending, Answer(AnswerKind.REFUSED, 9, words), now)


def accepted(sent: ServerConfig, memory: Memory) -> Memory:
    return belief.answered(SERVER, replace(memory, outstanding=Outstanding(sent, (), 11.0)), ACCEPTED, 11.0)


def suspects(memory: Memory) -> list[str]:
    return [each.name for each in memory.refusal.suspects] if memory.refusal else []


def test_every_model_that_was_about_to_change_is_under_suspicion() -> None:
    assert suspects(refused(BOTH)) == ["half", "other"]


def test_the_model_that_the_servers_words_name_is_the_only_suspect() -> None:
    words = "Request to assign label to version 2 of model half, which is not currently available for inference"
    assert suspects(refused(BOTH, words)) == ["half"]


def test_a_name_within_another_name_is_not_meant() -> None:
    assert suspects(refused(BOTH, "Request to assign label to version 2 of model half-again, which")) == [
        "half",
        "other",
    ]


def test_suspicion_stays_while_others_get_through() -> None:
    alone = config(half={"versions": (1,), "stable": 1}, other={"versions": (1, 2), "stable": 1})
    assert suspects(accepted(alone, refused(BOTH, "of model half,"))) == ["half"]


def test_suspicion_ends_when_the_suspects_change_is_accepted() -> None:
    assert accepted(BOTH, refused(BOTH)).refusal is None


def test_the_same_change_refused_again_counts_on() -> None:
    again = refused(BOTH, memory=refused(BOTH), now=12.0)
    assert again.refusal is not None
    assert (again.refusal.count, again.refusal.at) == (2, 12.0)


def test_another_change_refused_counts_from_one() -> None:
    other = config(half={"versions": (1,), "stable": 1}, other={"versions": (1, 2), "stable": 1})
    again = refused(other, memory=refused(BOTH, "of model half,"))
    assert again.refusal is not None
    assert again.refusal.count == 1
