"""The command-line flags of ``tensorflow_model_server``: names, types, defaults, meanings.

Here: ``ServerFlags``, one field for each flag of model_servers/main.cc with the default of model_servers/server.h. A
flag with ``idle`` is accepted so that existing command lines work; the text says why it changes nothing here. Parsed by
``flagsyntax``, read by ``serve`` and what it builds.

One deliberate difference: without ``--bind_address`` (ours) the server listens on loopback only. The protocol has no
authentication, and whoever reaches the port can unload every model.

Deliberately not here: the syntax (flagsyntax), and what the flags do.
"""

import dataclasses
import os
from dataclasses import dataclass
from typing import Any

CPUS = len(os.sched_getaffinity(0))
"""Those this process may run on (tsl's NumSchedulableCPUs)."""
_THREADS = 4 * CPUS
_ONE_PLATFORM = 'the one platform here is "tensorflow"'
_NO_TFLITE = "TensorFlow Lite models are not served"
_NO_TPU = "there are no TPUs here"
_NO_XLA = "TensorFlow decides on XLA by itself"


def _flag(default: Any, text: str, *, kind: str = "", idle: str = "") -> Any:
    kinds = {bool: "bool", int: "int32", float: "float", str: "string"}
    return dataclasses.field(
        default=default, metadata={"text": text, "kind": kind or kinds[type(default)], "idle": idle}
    )


@dataclass(frozen=True, slots=True)
class ServerFlags:
    """Every flag, with the default of the real server."""

    port: int = _flag(8500, "TCP port of the gRPC API; 0 disables it")
    grpc_socket_path: str = _flag("", "also listen on this UNIX socket for the gRPC API; relative or absolute")
    rest_api_port: int = _flag(0, "TCP port of the HTTP/REST API; 0 disables it; must differ from --port")
    bind_address: str = _flag("127.0.0.1", "address to listen on; not a flag of the real server, which takes 0.0.0.0")
    rest_api_num_threads: int = _flag(_THREADS, "REST requests worked on at the same time, and one thread more")
    rest_api_timeout_in_ms: int = _flag(30000, "time limit of a REST inference")
    rest_api_enable_cors_support: bool = _flag(False, "send CORS headers with every REST answer")
    enable_batching: bool = _flag(False, "let concurrent requests of a version share runs")
    allow_version_labels_for_unavailable_models: bool = _flag(False, "new labels may point at versions not loaded yet")
    batching_parameters_file: str = _flag("", "text-format BatchingParameters; needs --enable_batching")
    enable_per_model_batching_parameters: bool = _flag(
        False, "take batching parameters from batching_params.pbtxt in the version; without that file it is not batched"
    )
    model_config_file: str = _flag("", "file with a ModelServerConfig in text format")
    model_config_file_poll_wait_seconds: int = _flag(0, "re-read and re-apply that file this often; 0 never")
    model_name: str = _flag("default", "name of the only model; without effect with --model_config_file")
    model_base_path: str = _flag("", "base path of the only model; without effect with --model_config_file")
    num_load_threads: int = _flag(0, "threads that load versions; 0 loads in line with everything else")
    num_unload_threads: int = _flag(0, "threads that unload versions; 0 unloads in line with everything else")
    max_num_load_retries: int = _flag(5, "tries after a first failed load")
    load_retry_interval_micros: int = _flag(60_000_000, "pause between two tries of a load; <0 none", kind="int64")
    file_system_poll_wait_seconds: int = _flag(1, "look for new and vanished versions this often; 0 once; <0 never")
    flush_filesystem_caches: bool = _flag(
        True, "flush file caches after loading", idle="the loader keeps no caches of its own; the kernel's are its own"
    )
    tensorflow_session_parallelism: int = _flag(0, "threads of a session, inside and between operations", kind="int64")
    tensorflow_session_config_file: str = _flag("", "file with the ConfigProto of every session in text format")
    tensorflow_intra_op_parallelism: int = _flag(0, "threads inside one operation", kind="int64")
    tensorflow_inter_op_parallelism: int = _flag(0, "operations that run at the same time", kind="int64")
    use_alts_credentials: bool = _flag(False, "ALTS credentials", idle="ALTS exists on Google Cloud only")
    ssl_config_file: str = _flag("", "file with an SSLConfig in text format; secures the gRPC API, not the REST API")
    platform_config_file: str = _flag("", "text-format PlatformConfigMap", idle=_ONE_PLATFORM)
    per_process_gpu_memory_fraction: float = _flag(0.0, "share of GPU memory; memory grows on demand in any case")
    saved_model_tags: str = _flag("serve", "comma separated tags; must equal the tag set of a graph exactly")
    grpc_channel_arguments: str = _flag("", "comma separated key=value pairs for the gRPC server")
    grpc_max_threads: int = _flag(_THREADS, "inferences that run at the same time")
    enable_model_warmup: bool = _flag(True, "replay the warm-up records of a version while loading it")
    num_request_iterations_for_warmup: int = _flag(0, "replay each warm-up record this often; used if > 0")
    version: bool = _flag(False, "print the version and exit")
    monitoring_config_file: str = _flag("", "file with a MonitoringConfig in text format; needs --rest_api_port")
    remove_unused_fields_from_bundle_metagraph: bool = _flag(
        True, "save memory after loading", idle="nothing but the signatures is kept in any case"
    )
    prefer_tflite_model: bool = _flag(False, "load model.tflite if there is one", idle=_NO_TFLITE)
    num_tflite_pools: int = _flag(CPUS, "TFLite interpreter pools", idle=_NO_TFLITE)
    num_tflite_interpreters_per_pool: int = _flag(1, "TFLite interpreters in a pool", idle=_NO_TFLITE)
    enable_signature_method_name_check: bool = _flag(False, "check the method name of a signature")
    xla_cpu_compilation_enabled: bool = _flag(False, "XLA on CPUs", idle=_NO_XLA)
    xla_gpu_compilation_enabled: bool = _flag(False, "XLA on CPUs and GPUs", idle=_NO_XLA)
    enable_profiler: bool = _flag(
        True, "profiler service", idle="there is no profiler service; it answers UNIMPLEMENTED"
    )
    thread_pool_factory_config_file: str = _flag(
        "", "text-format ThreadPoolConfig", idle="no thread pool factory is linked in, nor is one in the stock server"
    )
    mixed_precision: str = _flag("", "mixed precision mode", idle=_NO_TPU)
    skip_initialize_tpu: bool = _flag(False, "do not initialize TPUs", idle=_NO_TPU)
    enable_grpc_healthcheck_service: bool = _flag(False, "serve grpc.health.v1.Health beside the gRPC API")
    enable_serialization_as_tensor_content: bool = _flag(False, "answer Predict with raw tensor bytes")


FIELDS = {field.name: field for field in dataclasses.fields(ServerFlags)}
"""The flags in the order of the help text. ``metadata`` has ``text``, ``kind`` (the C++ type) and ``idle``."""
