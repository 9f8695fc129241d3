"""`ServerConfig` ↔ the `ModelServerConfig` message of a reload.

Called by the serving adapter (what a reload carries), by `wire/text.py` and by whoever reads a config back.
Deliberately not here: judging a config (`invariants.py`), and importing foreign configs with all their oddities
(`parse/importing.py`); `from_proto` refuses what a `ServerConfig` cannot say instead of leaving it out.

Never written: `model_type` and `logging_config` (they poison or half-apply a reload: rules E20, E22).
"""

from typing import assert_never

from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.versions import All, Latest, Specific, VersionPolicy, specific
from reconciler.wire.stubs import file_system_storage_path_source_pb2 as source_pb2
from reconciler.wire.stubs import model_server_config_pb2


def to_proto(config: ServerConfig) -> model_server_config_pb2.ModelServerConfig:
    """The message of a reload that carries this config.

    A config without models is an explicitly empty list, which unloads everything (rule E2); a list that is merely not
    set would be refused (tensorflow_serving/model_servers/model_service_impl.cc).
    """
    message = model_server_config_pb2.ModelServerConfig()
    message.model_config_list.SetInParent()
    for model in config.models:
        entry = message.model_config_list.config.add(
            name=model.name, base_path=model.base_path, model_platform=model.platform
        )
        _write_policy(entry.model_version_policy, model.policy)
        for label, version in model.labels:
            entry.version_labels[label] = version
    return message


def from_proto(message: model_server_config_pb2.ModelServerConfig) -> ServerConfig:
    """The config that this message carries.

    Raises:
        ValueError: the message holds what a `ServerConfig` never holds: no list at all, a model named twice, a model
            type, a logging config, or no platform.
    """
    if message.WhichOneof("config") != "model_config_list":
        raise ValueError("the config has no model_config_list; the server refuses such a config, so it means nothing")
    models = [_model(entry) for entry in message.model_config_list.config]
    return ServerConfig(tuple(sorted(models, key=lambda model: model.name)))


def policy(message: source_pb2.FileSystemStoragePathSourceConfig.ServableVersionPolicy) -> VersionPolicy:
    """The version policy that this message stands for.

    No choice is `latest 1`, and `latest 0` counts as 1 (tensorflow_serving/sources/storage_path/
    file_system_storage_path_source.cc).
    """
    match message.WhichOneof("policy_choice"):
        case "specific":
            return specific(*message.specific.versions)
        case "all":
            return All()
        case _:
            return Latest(max(int(message.latest.num_versions), 1))


def _write_policy(
    message: source_pb2.FileSystemStoragePathSourceConfig.ServableVersionPolicy, wanted: VersionPolicy
) -> None:
    match wanted:
        case Specific(versions):
            message.specific.SetInParent()
            message.specific.versions.extend(versions)
        case Latest(count):
            message.latest.num_versions = count
        case All():
            message.all.SetInParent()
        case _:
            assert_never(wanted)


def _model(entry: model_server_config_pb2.ModelConfig) -> ModelConfig:
    if entry.model_type or entry.HasField("logging_config"):
        raise ValueError(f"model {entry.name!r} sets model_type or logging_config, which we never send (E20, E22)")
    if not entry.model_platform:
        raise ValueError(f"model {entry.name!r} has no model_platform; such a reload poisons the server (E20)")
    return ModelConfig(
        name=entry.name,
        base_path=entry.base_path,
        policy=policy(entry.model_version_policy),
        labels=tuple(sorted(entry.version_labels.items())),
        platform=entry.model_platform,
    )
