"""The command-line flags of ``tensorflow_model_server``: names, defaults, syntax.

Here: ``ServerFlags``, its parser and its help text. Used by ``serve`` (the real process) and by tests. The syntax is
that of TensorFlow's own parser: every flag once, ``--name=value``; booleans also as bare ``--name``. We take
``--name value`` too. As in the real server an unknown argument is printed together with the usage and start-up goes on,
while a value that cannot be read ends it.

One deliberate difference: without ``--bind_address`` (ours) the server listens on loopback only. The protocol has no
authentication, and whoever reaches the port can unload every model.

Deliberately not here: what the flags do. A flag marked ``ignored`` is accepted so that existing command lines work.
"""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.modelserver.statuses import StatusError, invalid_argument

_THREADS = 4 * (os.cpu_count() or 1)


def _flag(default: Any, text: str, *, ignored: bool = False) -> Any:
    return dataclasses.field(default=default, metadata={"text": text, "ignored": ignored})


@dataclass(frozen=True, slots=True)
class ServerFlags:
    """Every flag, with the default of the real server."""

    port: int = _flag(8500, "TCP port of the gRPC API; 0 disables it")
    grpc_socket_path: str = _flag("", "also listen on this UNIX socket")
    rest_api_port: int = _flag(0, "TCP port of the HTTP/REST API; 0 disables it; must differ from --port")
    bind_address: str = _flag("127.0.0.1", "address to listen on; not a flag of the real server, which takes 0.0.0.0")
    rest_api_timeout_in_ms: int = _flag(30000, "time limit of a REST inference")
    rest_api_num_threads: int = _flag(_THREADS, "threads of the REST API", ignored=True)
    rest_api_enable_cors_support: bool = _flag(False, "send CORS headers", ignored=True)
    grpc_max_threads: int = _flag(_THREADS, "inferences that run at the same time")
    grpc_channel_arguments: str = _flag("", "comma separated key=value pairs for the gRPC server")
    enable_grpc_healthcheck_service: bool = _flag(False, "gRPC health service", ignored=True)
    model_name: str = _flag("default", "name of the only model; without effect with --model_config_file")
    model_base_path: str = _flag("", "base path of the only model; without effect with --model_config_file")
    model_config_file: str = _flag("", "file with a ModelServerConfig in text format")
    model_config_file_poll_wait_seconds: int = _flag(0, "re-read and re-apply that file this often; 0 never")
    file_system_poll_wait_seconds: int = _flag(1, "look for new and vanished versions this often; 0 once; <0 never")
    num_load_threads: int = _flag(0, "threads that load versions; 0 loads in line with everything else")
    num_unload_threads: int = _flag(0, "threads that unload versions; 0 unloads in line with everything else")
    max_num_load_retries: int = _flag(5, "tries after a first failed load")
    load_retry_interval_micros: int = _flag(60_000_000, "pause between two tries of a load")
    allow_version_labels_for_unavailable_models: bool = _flag(False, "new labels may point at versions not loaded yet")
    saved_model_tags: str = _flag("serve", "comma separated tags; must equal the tag set of a graph exactly")
    enable_signature_method_name_check: bool = _flag(False, "check the method name of a signature in Predict")
    tensorflow_session_parallelism: int = _flag(0, "threads of a session, inside and between operations")
    tensorflow_intra_op_parallelism: int = _flag(0, "threads inside one operation")
    tensorflow_inter_op_parallelism: int = _flag(0, "threads between operations")
    per_process_gpu_memory_fraction: float = _flag(0.0, "share of GPU memory; memory grows on demand in any case")
    version: bool = _flag(False, "print the version and exit")
    flush_filesystem_caches: bool = _flag(True, "flush file caches after loading", ignored=True)
    enable_model_warmup: bool = _flag(True, "replay warm-up records while loading", ignored=True)
    num_request_iterations_for_warmup: int = _flag(0, "repeat warm-up records", ignored=True)
    enable_batching: bool = _flag(False, "batch requests", ignored=True)
    batching_parameters_file: str = _flag("", "batching parameters", ignored=True)
    enable_per_model_batching_parameters: bool = _flag(False, "batching parameters per model", ignored=True)
    platform_config_file: str = _flag("", "replaces the built-in platforms", ignored=True)
    monitoring_config_file: str = _flag("", "Prometheus metrics", ignored=True)
    ssl_config_file: str = _flag("", "TLS for gRPC", ignored=True)
    tensorflow_session_config_file: str = _flag("", "session configuration", ignored=True)
    enable_serialization_as_tensor_content: bool = _flag(False, "answer with raw tensor bytes", ignored=True)
    enable_profiler: bool = _flag(True, "profiler service", ignored=True)
    prefer_tflite_model: bool = _flag(False, "load model.tflite", ignored=True)
    use_alts_credentials: bool = _flag(False, "ALTS credentials", ignored=True)
    remove_unused_fields_from_bundle_metagraph: bool = _flag(True, "save memory after loading", ignored=True)


_FIELDS = {field.name: field for field in dataclasses.fields(ServerFlags)}
_TRUE, _FALSE = {"true", "1"}, {"false", "0"}


@dataclass(frozen=True, slots=True)
class Parsed:
    """The flags of one command line, and what was not understood of it."""

    flags: ServerFlags
    unknown: tuple[str, ...] = ()
    help_wanted: bool = False


def parse(argv: Sequence[str]) -> Parsed:
    """Read a command line; a StatusError names the first value that cannot be read."""
    values: dict[str, Any] = {}
    unknown: list[str] = []
    rest = list(argv)
    while rest:
        argument = rest.pop(0)
        name, equals, text = argument.removeprefix("--").partition("=")
        field = _FIELDS.get(name) if argument.startswith("--") else None
        if field is None:
            unknown.append(argument)
        elif field.type is bool:
            values[name] = _boolean(name, text if equals else "true")
        else:
            values[name] = _value(name, field.type, text if equals else _following(name, rest))
    asked = any(word in {"--help", "--helpfull", "-h"} for word in unknown)
    return Parsed(ServerFlags(**values), tuple(unknown), asked)


def _following(name: str, rest: list[str]) -> str:
    if not rest:
        raise _unreadable("", name)
    return rest.pop(0)


def _boolean(name: str, text: str) -> bool:
    lowered = text.lower()
    if lowered not in _TRUE | _FALSE:
        raise _unreadable(text, name)
    return lowered in _TRUE


def _value(name: str, kind: Any, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise _unreadable(text, name) from None


def _unreadable(text: str, name: str) -> StatusError:
    return invalid_argument(f"Couldn't interpret value {text} for flag {name}.")


def usage(program: str) -> str:
    """The help text: flags with an effect first, then those that are only accepted."""
    working = [line for field in _FIELDS.values() if (line := _help_line(field, ignored=False))]
    accepted = [line for field in _FIELDS.values() if (line := _help_line(field, ignored=True))]
    return "\n".join([f"usage: {program}", "Flags:", *working, "Accepted without effect:", *accepted])


def _help_line(field: "dataclasses.Field[Any]", *, ignored: bool) -> str:
    if field.metadata["ignored"] is not ignored:
        return ""
    default = str(field.default).lower() if field.type is bool else repr(field.default)
    kind = field.type.__name__ if isinstance(field.type, type) else str(field.type)
    return f"\t--{field.name}={default}\t{kind}\t{field.metadata['text']}"
