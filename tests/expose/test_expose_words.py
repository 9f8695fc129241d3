import pytest

from reconciler.expose import words
from reconciler.state.look import LabelKind, LabelReading, Reach, ReachKind
from reconciler.state.versions import All, Latest, VersionPolicy, specific


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "less than 0.1 s"),
        (4.21, "4.2 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (356_400, "4 d 3 h"),
    ],
)
def test_duration_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(("number", "said"), [(1, "1 pass"), (2, "2 passes"), (0, "0 passes")])
def test_count_uses_the_plural(number: int, said: str) -> None:
    assert words.count(number, "pass") == said


def test_times_are_utc_whatever_the_machine_is_set_to() -> None:
    assert words.moment(1_795_200_000.0) == "2026-11-20 18:40:00 UTC"
    assert words.timestamp(1_795_200_000.25) == "2026-11-20T18:40:00.250Z"


def test_no_time_is_said_in_words_and_left_out_for_machines() -> None:
    assert words.moment(0.0) == "never"
    assert words.timestamp(None) is None


@pytest.mark.parametrize(
    ("policy", "said"), [(specific(2, 1), "1, 2"), (specific(), "none"), (Latest(2), "latest 2"), (All(), "all")]
)
def test_every_version_policy_has_words(policy: VersionPolicy, said: str) -> None:
    assert words.policy(policy) == said


@pytest.mark.parametrize("kind", list(ReachKind))
def test_every_kind_of_reach_is_a_sentence_with_the_servers_own_words(kind: ReachKind) -> None:
    said = words.reach(Reach(kind, "connection refused"))
    assert said == "answers" or said.endswith("connection refused")


@pytest.mark.parametrize("kind", list(LabelKind))
def test_every_label_reading_has_a_word(kind: LabelKind) -> None:
    assert words.reading(LabelReading(kind, 3))


def test_reason_is_spelled_out() -> None:
    assert words.spaced("ArtifactMissing") == "artifact missing"
