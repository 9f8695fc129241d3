"""An existing model_config.pbtxt becomes documents that ask for what it asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parse_builders import read

from reconciler.parse import importing
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Adopt, DesiredServer
from reconciler.state.versions import All, Latest, VersionPolicy, specific
from reconciler.wire import text

THREE = """
model_config_list {
  config { name: "half_plus_two" base_path: "/models/half_plus_two" model_platform: "tensorflow"
           model_version_policy { all {} } }
  config { name: "fashion" base_path: "/models/fashion" model_platform: "tensorflow"
           model_version_policy { specific { versions: 1 versions: 2 } }
           version_labels { key: "stable" value: 1 } version_labels { key: "canary" value: 2 } }
  config { name: "ranker" base_path: "/models/ranker" model_platform: "tensorflow"
           model_version_policy { latest { num_versions: 2 } } }
}
"""


def served(imported: importing.Imported) -> DesiredServer:
    (server,) = read(dict(imported.files)).require().servers
    return server


def one(inside: str) -> importing.Imported:
    return importing.import_config(
        f'model_config_list {{ config {{ name: "m" base_path: "/models/m" model_platform: "tensorflow" {inside} }} }}'
    )


def test_the_well_known_config_of_three_models_becomes_sound_documents() -> None:
    server = served(importing.import_config(THREE))
    assert [(model.name, model.policy, model.labels) for model in server.models] == [
        ("fashion", specific(1, 2), (("canary", 2), ("stable", 1))),
        ("half_plus_two", All(), ()),
        ("ranker", Latest(2), ()),
    ]


def test_nothing_is_noted_where_everything_was_carried_over() -> None:
    imported = importing.import_config(THREE)
    assert imported.notes == ()
    assert imported.complete


def test_the_fleet_replaces_what_is_served_and_says_why_that_is_safe() -> None:
    imported = importing.import_config(THREE, fleet="eu", server="gpu-7", grpc="gpu-7.eu:8500")
    server = served(imported)
    assert (server.id, server.grpc, server.fleet.adopt) == ("eu/gpu-7", "gpu-7.eu:8500", Adopt.REPLACE)
    assert "so the first reload carries what is served already" in dict(imported.files)["fleets/eu.yaml"]


@pytest.mark.parametrize("policy", ["latest { num_versions: 3 }", "all {}", ""])
def test_labels_over_versions_that_the_server_chooses_must_be_decided(policy: str) -> None:
    imported = one(f'model_version_policy {{ {policy} }} version_labels {{ key: "stable" value: 7 }}')
    (model,) = served(imported).models
    assert (model.policy, model.labels) == (specific(7), (("stable", 7),))
    assert "DECIDE" in dict(imported.files)["models/m.yaml"]
    assert "decide which versions" in str(imported.notes[0])
    assert imported.complete


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('name: "m" base_path: "models/m" model_platform: "tensorflow"', "is relative"),
        ('name: "m" base_path: "/m\\n" model_platform: "tensorflow"', "on one line"),
        ('name: "a/b" base_path: "/m" model_platform: "tensorflow"', "name cannot be written"),
        ('name: "" base_path: "/m" model_platform: "tensorflow"', "name cannot be written"),
        ('name: "m" base_path: "/m" model_platform: "pytorch"', "platform 'pytorch'"),
        ('name: "m" base_path: "/m" model_type: OTHER', "platform"),
        ('name: "m" base_path: "/m" model_version_policy { specific {} }', "no version from 1 on"),
        ('name: "m" base_path: "/m" model_version_policy { specific { versions: 0 } }', "no version from 1 on"),
        ('name: "good" base_path: "/other" model_platform: "tensorflow"', "listed twice"),
    ],
)
def test_a_model_that_cannot_be_said_is_lost_loudly_and_the_fleet_does_not_replace(entry: str, said: str) -> None:
    good = 'config { name: "good" base_path: "/models/good" model_platform: "tensorflow" }'
    imported = importing.import_config(f"model_config_list {{ {good} config {{ {entry} }} }}")
    server = served(imported)
    assert [model.name for model in server.models] == ["good"]
    assert server.fleet.adopt is Adopt.REFUSE
    assert [said in str(note) for note in imported.notes if note.lost] == [True]


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("logging_config {}", "logging_config was left out"),
        ('model_version_policy { specific { versions: 1 } } version_labels { key: "x" value: 2 }', "label 'x'"),
        ('model_version_policy { specific { versions: 1 } } version_labels { key: "a b" value: 1 }', "label 'a b'"),
        ("model_version_policy { specific { versions: 1 versions: -7 } }", "versions below 1"),
    ],
)
def test_what_is_left_out_of_a_model_is_noted(inside: str, said: str) -> None:
    imported = one(inside)
    assert [said in str(note) for note in imported.notes] == [True]
    assert len(served(imported).models) == 1


def test_a_missing_platform_is_noted_and_given() -> None:
    imported = importing.import_config('model_config_list { config { name: "m" base_path: "/m" } }')
    assert "model_platform" in str(imported.notes[0])
    assert served(imported).models[0].platform == "tensorflow"


def test_an_empty_list_gives_a_fleet_alone() -> None:
    imported = importing.import_config("model_config_list {}")
    assert [path for path, _ in imported.files] == ["fleets/imported.yaml"]
    assert served(imported).models == ()


@pytest.mark.parametrize("written", ["", "custom_model_config {}"])
def test_a_file_without_a_list_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="no model_config_list"):
        importing.import_config(written)


def test_a_file_that_is_none_is_refused_with_its_place() -> None:
    with pytest.raises(text.TextProtoError) as caught:
        importing.import_config("model_config_list {\n  nonsense\n}")
    assert caught.value.line in {2, 3}


POLICIES: st.SearchStrategy[VersionPolicy] = st.one_of(
    st.sets(st.integers(1, 2**63 - 1), min_size=1, max_size=4).map(lambda versions: specific(*versions)),
    st.integers(1, 9).map(Latest),
    st.just(All()),
)
NAMES = st.from_regex(r"\A[a-z0-9][a-z0-9_]{0,8}[a-z0-9]\Z")
PATHS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=9).map("/models/".__add__)


@st.composite
def models(draw: st.DrawFn) -> ModelConfig:
    policy = draw(POLICIES)
    listed = getattr(policy, "versions", ())
    labels = draw(st.dictionaries(NAMES, st.sampled_from(listed), max_size=2)) if listed else {}
    return ModelConfig(draw(NAMES), draw(PATHS), policy, tuple(sorted(labels.items())))


@given(st.lists(models(), max_size=4, unique_by=lambda model: model.name))
def test_what_we_would_send_survives_the_import(given: list[ModelConfig]) -> None:
    config = ServerConfig(tuple(sorted(given, key=lambda model: model.name)))
    imported = importing.import_config(text.render(config))
    assert imported.notes == ()
    asked = [ModelConfig(each.name, each.base_path, each.policy, each.labels) for each in served(imported).models]
    assert tuple(asked) == config.models
