"""What clients notice is found before a label moves, and said in words; what cannot be compared does not pass."""

import random
from dataclasses import replace

import pytest
from export_strategies import BREAKING, Place, exports, places
from hypothesis import given
from hypothesis import strategies as st

from reconciler.preflight import compatibility
from reconciler.preflight.compatibility import Finding, Level, compare, verdict
from reconciler.state.export import INIT_SIGNATURE, Export, Signature, TensorSpec

X = TensorSpec("x", "float", (-1, 1))
Y = TensorSpec("y", "float", (-1, 1))
PREDICT = "tensorflow/serving/predict"
SERVING = Signature("serving_default", PREDICT, (X,), (Y,))
OLD = Export("/models/m", 41, "sha256:41", (SERVING,), "2.20.0", True, 1000)
NEW = replace(OLD, version=42, fingerprint="sha256:42")


def serving(**changes: object) -> Export:
    return replace(NEW, signatures=(replace(SERVING, **changes),))  # type: ignore[arg-type]


def found(new: Export, old: Export = OLD, server: str = "2.20") -> list[tuple[str, str]]:
    return [(each.level.value, each.text) for each in compare(old, new, server_version=server)]


def texts(level: Level, new: Export, old: Export = OLD, server: str = "2.20") -> list[str]:
    return [each.text for each in compare(old, new, server_version=server) if each.level is level]


def test_new_version_that_promises_the_same_is_compatible() -> None:
    assert found(NEW) == []
    assert verdict(compare(OLD, NEW, server_version="2.20")) == "compatible"


def test_same_export_under_another_number_is_said_to_be_one() -> None:
    assert found(replace(NEW, fingerprint=OLD.fingerprint)) == [("Info", "versions 41 and 42 are the same export")]


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (
            serving(inputs=(replace(X, shape=(-1, 2)),)),
            "input `x` was float [-1,1] and is now float [-1,2]: "
            "requests with the old shape fail, or are computed wrongly",
        ),
        (
            serving(inputs=(replace(X, dtype="string"),)),
            "input `x` was float [-1,1] and is now string [-1,1]: requests with the old type are refused",
        ),
        (
            serving(inputs=(replace(X, alias="inputs"),)),
            "input `x` is now called `inputs`: requests that send `x` are refused",
        ),
        (
            serving(inputs=(X, TensorSpec("mask", "bool", (-1,)))),
            "input `mask` (bool [-1]) is new and has no default: requests without it are refused",
        ),
        (serving(outputs=(replace(Y, alias="z"),)), "output `y` is now called `z`: clients that read `y` find nothing"),
        (
            serving(outputs=(replace(Y, dtype="int64"),)),
            "output `y` was float [-1,1] and is now int64 [-1,1]: clients read the wrong type",
        ),
        (
            serving(outputs=(replace(Y, shape=None),), inputs=(replace(X, shape=(-1,)),)),
            "input `x` was float [-1,1] and is now float [-1]: "
            "requests with the old shape fail, or are computed wrongly",
        ),
        (
            serving(name="predict"),
            "the signature is now called `predict`: requests that name `serving_default` are refused",
        ),
    ],
)
def test_break_is_said_in_words_that_a_client_developer_understands(new: Export, said: str) -> None:
    assert texts(Level.BREAK, new) == [f"serving_default: {said}"]


def test_input_that_lost_its_default_breaks_requests_without_it() -> None:
    old = replace(OLD, signatures=(replace(SERVING, optional=("x",)),))
    said = "serving_default: input `x` has lost its default: requests without it are refused"
    assert texts(Level.BREAK, NEW, old) == [said]


def test_added_input_with_a_default_breaks_nothing() -> None:
    new = serving(inputs=(TensorSpec("temperature", "float", ()), X), optional=("temperature",))
    assert found(new) == [("Info", "serving_default: input `temperature` is new, and may be left out")]


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (
            serving(outputs=(Y, TensorSpec("z", "float", (-1,)))),
            "serving_default: output `z` is new: clients that take every output get it too, "
            "and REST answers that held one output bare now name each",
        ),
        (
            serving(inputs=(replace(X, shape=(-1, -1)),)),
            "serving_default: input `x` was float [-1,1] and is now float [-1,-1]: the old shape still goes",
        ),
        (
            serving(outputs=(replace(Y, shape=None),)),
            "serving_default: output `y` was float [-1,1] and is now float of any shape: "
            "clients may get more than the size they know",
        ),
        (
            serving(method=""),
            "serving_default: the method was `tensorflow/serving/predict` and is now empty: "
            "Classify and Regress go by it",
        ),
        (
            replace(NEW, warmup=False),
            "version 42 brings no warm-up requests, and version 41 had: its first answers may be slow",
        ),
        (replace(NEW, size=3 << 20), "version 42 is 3.0 MiB, 3145.7 times version 41: it needs more memory"),
        (replace(NEW, fingerprint=""), "version 42 has no fingerprint: its files are not complete"),
        (
            replace(NEW, tf_version="2.21.0-rc1"),
            "version 42 was written by TensorFlow 2.21.0-rc1, the servers are 2.20: "
            "an operation that they do not have fails the load",
        ),
        (
            replace(NEW, warmup_problem="it holds 1,001 requests, and more than 1,000 fail the load"),
            "version 42 would not load, because of its warm-up requests: "
            "it holds 1,001 requests, and more than 1,000 fail the load",
        ),
    ],
)
def test_what_clients_may_notice_is_a_warning(new: Export, said: str) -> None:
    assert found(new) == [("Warn", said)]
    assert verdict(compare(OLD, new, server_version="2.20")) == f"compatible, with a warning: {said}"


@pytest.mark.parametrize(
    ("written", "server"), [("2.20.1", "2.20"), ("2.20.0", ""), ("1.15", "2.20"), ("2.21", "2.21")]
)
def test_export_of_an_older_or_equal_tensorflow_raises_no_warning(written: str, server: str) -> None:
    assert found(replace(NEW, tf_version=written), server=server) == []


def test_export_newer_than_the_servers_is_only_noted_where_the_one_in_use_is_too() -> None:
    newer = replace(OLD, tf_version="2.22")
    assert [level for level, _ in found(replace(NEW, tf_version="2.21"), newer)] == ["Info"]


def test_export_without_a_default_signature_is_noted() -> None:
    old, new = (replace(each, signatures=(replace(SERVING, name="raw"),)) for each in (OLD, NEW))
    said = "neither version has the signature `serving_default`: every request must name one"
    assert found(new, old) == [("Info", said)]


def test_start_up_step_among_the_signatures_is_no_signature() -> None:
    old = replace(OLD, signatures=(Signature(INIT_SIGNATURE, ""), SERVING))
    assert found(NEW, old) == []


@pytest.mark.parametrize("unread", [replace(NEW, problem="it is cut short"), replace(NEW, problem="x", signatures=())])
def test_export_that_cannot_be_read_does_not_pass_in_silence(unread: Export) -> None:
    findings = compare(OLD, unread, server_version="2.20")
    assert [(each.level, each.unknown) for each in findings] == [(Level.BREAK, True)]
    assert verdict(findings).startswith(
        "not known to be compatible: versions 41 and 42 could not be compared, because "
    )


def test_unreadable_but_identical_exports_are_compatible() -> None:
    old, new = (replace(each, fingerprint="sha256:1", problem="it is in chunks") for each in (OLD, NEW))
    assert verdict(compare(old, new, server_version="2.20")) == "compatible"


def test_verdict_quotes_three_breaks_and_counts_the_rest() -> None:
    findings = [Finding(Level.BREAK, "s", text) for text in "abcde"] + [Finding(Level.WARN, "s", "w")]
    assert verdict(findings) == "breaks clients: a; b; c; and 2 more"


@given(exports(), st.sampled_from(("", "2.19", "2.20")))
def test_export_is_compatible_with_itself(export: Export, server: str) -> None:
    levels = {each.level for each in compare(export, export, server_version=server)}
    assert levels <= {Level.INFO}


@given(exports(("classify", "raw", "serving_default")), places, st.sampled_from(sorted(BREAKING)))
def test_every_change_of_the_break_list_is_a_break(old: Export, place: Place, change: str) -> None:
    signature, *specs = place.of(old)
    changed = BREAKING[change](signature, *specs)
    new = replace(old, signatures=tuple(changed if each == signature else each for each in old.signatures))
    holding = compatibility.breaks(compare(old, new, server_version="2.20"))
    assert {each.signature for each in holding} == {signature.name}


@given(exports(), exports(), st.randoms())
def test_findings_do_not_depend_on_the_order_in_the_file(old: Export, new: Export, chance: random.Random) -> None:
    shuffled = replace(new, signatures=tuple(chance.sample(new.signatures, len(new.signatures))))
    expected = compare(old, new, server_version="2.20")
    assert compare(old, shuffled, server_version="2.20") == expected


@given(exports(), exports())
def test_breaks_come_first_and_every_text_is_one_line(old: Export, new: Export) -> None:
    findings = compare(old, new, server_version="2.20")
    assert [each.level for each in findings] == sorted((each.level for each in findings), key=list(Level).index)
    assert all("\n" not in each.text for each in findings)
