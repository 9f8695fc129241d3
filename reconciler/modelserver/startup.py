"""What a start reads and checks before anything loads.

Here: the files the command line names, and the combinations of flags that end a start, in the order of
``Server::BuildAndStart`` (model_servers/server.cc). Each way to fail is a StatusError; ``serve`` prints it and ends.
Not here: the model configuration (configs), ports (listening).
"""

import logging
from dataclasses import dataclass

import grpc

from reconciler.modelserver import batchparameters, configs, serverprotos, textfiles
from reconciler.modelserver.batchparameters import BatchingParameters
from reconciler.modelserver.core import ServerConfig
from reconciler.modelserver.flags import ServerFlags
from reconciler.modelserver.savedmodel import SessionSettings
from reconciler.modelserver.serverprotos import MonitoringConfig, SSLConfig
from reconciler.modelserver.statuses import invalid_argument
from reconciler.wire.stubs import config_pb2

_PROMETHEUS_PATH = "/monitoring/prometheus/metrics"
_journal = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the server begins with."""

    config: ServerConfig
    sessions: SessionSettings
    credentials: grpc.ServerCredentials | None
    """None: without TLS."""
    batching: BatchingParameters | None
    """None: every request runs by itself."""


def prepare(wanted: ServerFlags) -> Plan:
    """Read everything that must be right before models load."""
    if not wanted.port and not wanted.grpc_socket_path:
        raise invalid_argument("server_options.grpc_port is not set.")
    if wanted.use_alts_credentials and wanted.ssl_config_file:
        raise invalid_argument("Either use_alts_credentials must be false or ssl_config_file must be empty.")
    config = configs.at_start(wanted)
    batching = _batching(wanted)
    sessions = _sessions(wanted)
    if batching is not None:
        batchparameters.check_scheduler(batching)
    return Plan(config, sessions, _credentials(wanted.ssl_config_file), batching)


def _batching(wanted: ServerFlags) -> BatchingParameters | None:
    if wanted.enable_batching:
        return (
            read_batching(wanted.batching_parameters_file) if wanted.batching_parameters_file else BatchingParameters()
        )
    if wanted.batching_parameters_file:
        raise invalid_argument(
            "server_options.batching_parameters_file is set without setting server_options.enable_batching to true."
        )
    return None


def read_batching(file: str) -> BatchingParameters:
    """The parameters in a file, for all versions or for one."""
    message = serverprotos.BatchingParameters()
    textfiles.read(file, message)
    return batchparameters.from_message(message)


def _sessions(wanted: ServerFlags) -> SessionSettings:
    given = config_pb2.ConfigProto()
    if wanted.tensorflow_session_config_file:
        textfiles.read(wanted.tensorflow_session_config_file, given)
    intra, inter = wanted.tensorflow_intra_op_parallelism, wanted.tensorflow_inter_op_parallelism
    both = wanted.tensorflow_session_parallelism
    if intra > 0 and inter > 0 and both > 0:
        raise invalid_argument(
            "Either configure server_options.tensorflow_session_parallelism or "
            "(server_options.tensorflow_intra_op_parallelism, server_options.tensorflow_inter_op_parallelism) "
            "separately. You cannot configure all."
        )
    if intra <= 0 and inter <= 0:
        intra = inter = both
    tags = frozenset(wanted.saved_model_tags.split(","))
    fraction = wanted.per_process_gpu_memory_fraction
    return SessionSettings(tags, max(intra, 0), max(inter, 0), fraction, given.SerializeToString())


def _credentials(file: str) -> grpc.ServerCredentials | None:
    """TLS for the gRPC API. Without ``client_verify``, client certificates are not even asked for."""
    if not file:
        _journal.info("Using InsecureServerCredentials")
        return None
    config = SSLConfig()
    textfiles.read(file, config)
    if config.client_verify and not config.custom_ca:
        # The real server starts, trusts nobody, and refuses every client one by one.
        raise invalid_argument(f"{file} asks for client_verify without custom_ca, so no client could be let in.")
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )


def metrics_path(file: str) -> str | None:
    """Where Prometheus finds its page, after http_server.cc; None if it shall find none."""
    if not file:
        return None
    config = MonitoringConfig()
    textfiles.read(file, config)
    return (config.prometheus_config.path or _PROMETHEUS_PATH) if config.prometheus_config.enable else None
