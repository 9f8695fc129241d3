import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.adapters import codec
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.memory import AnswerKind, Memory
from reconciler.state.outcome import Intent, Outcome, Sent, Status
from reconciler.state.plan import Pass
from reconciler.state.versions import All, Latest, Specific, VersionPolicy

texts = st.text(st.characters(codec="utf-8"), max_size=8)
numbers = st.integers(1, 2**63 - 1)
policies: st.SearchStrategy[VersionPolicy] = st.one_of(
    st.sets(numbers, max_size=3).map(lambda each: Specific(tuple(sorted(each)))),
    st.integers(1, 9).map(Latest),
    st.just(All()),
)
labels = st.dictionaries(texts, numbers, max_size=3).map(lambda each: tuple(sorted(each.items())))
models = st.builds(ModelConfig, name=texts, base_path=texts, policy=policies, labels=labels)
configs = st.lists(models, max_size=3, unique_by=lambda model: model.name).map(
    lambda each: ServerConfig(tuple(sorted(each, key=lambda model: model.name)))
)
st.register_type_strategy(ServerConfig, configs)
st.register_type_strategy(ModelConfig, models)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))
st.register_type_strategy(str, texts)


@pytest.mark.parametrize("kind", [Memory, Pass, Intent, Outcome, Sent, Status], ids=lambda kind: kind.__name__)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_value_written_and_read_back_is_the_same_value(kind: type, data: st.DataObject) -> None:
    value = data.draw(st.from_type(kind))
    assert codec.load(kind, codec.dump(kind, value)) == value


@settings(max_examples=25)
@given(policies)
def test_each_version_policy_comes_back_as_its_own_kind(policy: VersionPolicy) -> None:
    model = ModelConfig("m", "/m", policy)
    assert codec.load(ModelConfig, codec.dump(ModelConfig, model)) == model


def test_a_field_added_later_takes_its_default() -> None:
    assert codec.load(Memory, '{"server": "f/s", "endpoint": "h:1"}') == Memory("f/s", "h:1")


def test_a_field_that_is_gone_is_passed_over() -> None:
    assert codec.load(Memory, '{"server": "f/s", "endpoint": "h:1", "mood": 3}') == Memory("f/s", "h:1")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not JSON"),
        ("[]", "Memory was expected"),
        ('{"server": "f/s"}', "Memory lacks endpoint"),
        ('{"server": 3, "endpoint": ""}', ".server: str was expected, not 3"),
        ('{"server": "", "endpoint": "", "labels_wanted": 1}', ".labels_wanted: bool was expected"),
        ('{"server": "", "endpoint": "", "busy_at": "x"}', ".busy_at: a number was expected"),
        ('{"server": "", "endpoint": "", "standing": "Sitting"}', "'Sitting' is no Standing"),
        ('{"server": "", "endpoint": "", "removed": [["m"]]}', ".removed[0]: 2 elements were expected"),
        ('{"server": "", "endpoint": "", "removed": 1}', ".removed: a list was expected"),
        ('{"server": "", "endpoint": "", "sent": {"models": [{"name": "m", "base_path": "/",'
         ' "policy": {"is": "Odd"}}]}}',
         ".sent.models[0].policy: one of Specific, Latest, All was expected"),
        ('{"server": "", "endpoint": "", "sent": {"models": [{"name": "m", "base_path": "/",'
         ' "policy": {"is": "Specific", "versions": [2, 1]}}]}}',
         "versions must be ascending"),
    ],
)  # fmt: skip
def test_a_body_that_does_not_fit_is_refused_with_the_place(text: str, sentence: str) -> None:
    with pytest.raises(codec.CodecError) as refusal:
        codec.load(Memory, text)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_a_number_without_a_json_form_is_refused_on_writing(value: float) -> None:
    with pytest.raises(codec.CodecError):
        codec.dump(Memory, Memory("f/s", "h:1", busy_at=value))


def test_a_type_without_a_rule_is_a_programming_error() -> None:
    kind: Any = dict[str, int]
    with pytest.raises(TypeError, match="no rule"):
        codec.dump(kind, {})


def test_an_enum_is_written_as_its_value() -> None:
    assert codec.dump(AnswerKind, AnswerKind.NONE) == '"NoAnswer"'
