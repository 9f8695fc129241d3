"""What a reload carries: configs to messages, to text, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.versions import All, Latest, Specific, VersionPolicy, specific
from reconciler.wire import config, stubs, text

VERSIONS = st.integers(1, 2**63 - 1)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
POLICIES: st.SearchStrategy[VersionPolicy] = st.one_of(
    st.sets(VERSIONS, max_size=5).map(lambda versions: specific(*versions)),
    st.integers(1, 2**32 - 1).map(Latest),
    st.just(All()),
)
MODELS = st.builds(
    ModelConfig,
    name=NAMES,
    base_path=NAMES.map("/".__add__),
    policy=POLICIES,
    labels=st.dictionaries(NAMES, VERSIONS, max_size=3).map(lambda labels: tuple(sorted(labels.items()))),
)
CONFIGS = st.lists(MODELS, max_size=4, unique_by=lambda model: model.name).map(
    lambda models: ServerConfig(tuple(sorted(models, key=lambda model: model.name)))
)

TWO = ServerConfig(
    (
        ModelConfig("fashion", "/models/fashion", specific(41, 42), (("canary", 42), ("stable", 41))),
        ModelConfig("half", "/models/half", Latest(2)),
    )
)


@given(CONFIGS)
def test_every_config_survives_the_message(given: ServerConfig) -> None:
    wire = config.to_proto(given).SerializeToString()
    assert config.from_proto(stubs.model_server_config_pb2.ModelServerConfig.FromString(wire)) == given


@given(CONFIGS)
def test_every_config_survives_the_text(given: ServerConfig) -> None:
    assert config.from_proto(text.parse(text.render(given))) == given


@given(CONFIGS)
def test_the_text_is_the_message(given: ServerConfig) -> None:
    assert text.parse(text.render(given)) == config.to_proto(given)


def test_no_models_is_an_explicitly_empty_list() -> None:
    message = config.to_proto(ServerConfig())
    assert message.WhichOneof("config") == "model_config_list"
    assert text.render(ServerConfig()) == "model_config_list {}\n"


def test_an_empty_specific_list_is_written_outright() -> None:
    emptied = ServerConfig((ModelConfig("half", "/models/half", Specific(())),))
    entry = config.to_proto(emptied).model_config_list.config[0]
    assert entry.model_version_policy.WhichOneof("policy_choice") == "specific"
    assert "specific {}" in text.render(emptied)


def test_every_model_names_its_platform_and_never_a_type_or_logging() -> None:
    for entry in config.to_proto(TWO).model_config_list.config:
        assert entry.model_platform == "tensorflow"
        assert not entry.model_type
        assert not entry.HasField("logging_config")


def test_the_text_reads_like_a_config_written_by_hand() -> None:
    assert text.render(TWO) == (
        "model_config_list {\n"
        "  config {\n"
        '    name: "fashion"\n'
        '    base_path: "/models/fashion"\n'
        '    model_platform: "tensorflow"\n'
        "    model_version_policy { specific { versions: 41 versions: 42 } }\n"
        '    version_labels { key: "canary" value: 42 }\n'
        '    version_labels { key: "stable" value: 41 }\n'
        "  }\n"
        "  config {\n"
        '    name: "half"\n'
        '    base_path: "/models/half"\n'
        '    model_platform: "tensorflow"\n'
        "    model_version_policy { latest { num_versions: 2 } }\n"
        "  }\n"
        "}\n"
    )


@pytest.mark.parametrize("written", ["", "model_version_policy {}", "model_version_policy { latest {} }"])
def test_no_policy_and_latest_zero_mean_the_one_latest_version(written: str) -> None:
    message = text.parse(f'model_config_list {{ config {{ name: "m" model_platform: "tensorflow" {written} }} }}')
    assert config.from_proto(message).models[0].policy == Latest(1)


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ('name: "m"', "no model_platform"),
        ('name: "m" model_type: TENSORFLOW model_platform: "tensorflow"', "model_type"),
        ('name: "m" model_platform: "tensorflow" logging_config {}', "logging_config"),
    ],
)
def test_a_config_that_we_never_send_is_refused_not_shortened(inside: str, said: str) -> None:
    message = text.parse(f"model_config_list {{ config {{ {inside} }} }}")
    with pytest.raises(ValueError, match=said):
        config.from_proto(message)


@pytest.mark.parametrize("written", ["", "  \n", "custom_model_config {}"])
def test_a_config_without_a_list_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="no model_config_list"):
        config.from_proto(text.parse(written))


def test_text_that_is_no_config_is_refused_with_its_position() -> None:
    with pytest.raises(text.TextProtoError, match="nme") as caught:
        text.parse('model_config_list {\n  config { nme: "x" }\n}')
    assert (caught.value.line, caught.value.column) == (2, 12)


def test_both_spellings_of_the_text_format_are_read() -> None:
    message = text.parse(
        'model_config_list: { config: { name: "m", model_version_policy: { specific: { versions: [3, 4] } } } }'
    )
    assert message.model_config_list.config[0].model_version_policy.specific.versions == [3, 4]


def test_the_message_type_is_the_servers_own() -> None:
    assert isinstance(config.to_proto(TWO), stubs.model_server_config_pb2.ModelServerConfig)
