"""ModelServerConfig messages and files, as the values of the core.

Here: the conversion, reading a text-format file with the statuses of the real server, and the configuration of a single
``--model_name``. Used by start-up, the config file poller and HandleReloadConfigRequest. Not here: what is legal; the
core judges that, so that every way in is judged alike.
"""

import logging

from reconciler.modelserver import textfiles
from reconciler.modelserver.core import (
    All,
    Latest,
    ModelConfig,
    Policy,
    ServerConfig,
    Specific,
    Status,
)
from reconciler.modelserver.flags import ServerFlags
from reconciler.modelserver.statuses import StatusError, invalid_argument
from reconciler.modelserver.tensors import Proto
from reconciler.wire.stubs import model_server_config_pb2

_journal = logging.getLogger(__name__)


def from_proto(message: Proto) -> ServerConfig:
    """A ServerConfig with the content of a message; ``models`` is None where it carries no list."""
    if message.WhichOneof("config") != "model_config_list":
        return ServerConfig(None)
    return ServerConfig(tuple(_model(entry) for entry in message.model_config_list.config))


def _model(entry: Proto) -> ModelConfig:
    return ModelConfig(
        name=entry.name,
        base_path=entry.base_path,
        platform=entry.model_platform,
        model_type=entry.model_type,
        policy=_policy(entry.model_version_policy),
        labels=tuple(sorted(entry.version_labels.items())),
        logging=entry.HasField("logging_config"),
    )


def _policy(policy: Proto) -> Policy | None:
    match policy.WhichOneof("policy_choice"):
        case "latest":
            return Latest(policy.latest.num_versions)
        case "all":
            return All()
        case "specific":
            return Specific(tuple(policy.specific.versions))
        case _:
            return None


def read_file(path: str) -> ServerConfig:
    """The configuration in a file, or the StatusError the real server ends (or logs) with."""
    message = model_server_config_pb2.ModelServerConfig()
    textfiles.read(path, message)
    return from_proto(message)


def read_again(path: str) -> ServerConfig | Status:
    """The configuration in a file, or why it cannot be read; for the poller, which goes on either way."""
    try:
        return read_file(path)
    except StatusError as error:
        return error.status


def at_start(flags: ServerFlags) -> ServerConfig:
    """What the command line asks the server to begin with."""
    if flags.model_config_file:
        return _first_from(flags.model_config_file)
    if not flags.model_base_path:
        raise invalid_argument("Both server_options.model_base_path and server_options.model_config_file are empty!")
    _journal.info(
        "Building single TensorFlow model file config:  model_name: %s model_base_path: %s",
        flags.model_name,
        flags.model_base_path,
    )
    return ServerConfig((ModelConfig(flags.model_name, flags.model_base_path),))


def _first_from(path: str) -> ServerConfig:
    message = model_server_config_pb2.ModelServerConfig()
    textfiles.read(path, message)
    if message.WhichOneof("config") == "custom_model_config":
        raise invalid_argument("ModelServer does not yet support custom model config.")  # the real one aborts here
    return from_proto(message)
