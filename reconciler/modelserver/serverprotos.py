"""Messages of the server's own files that ``tensorflow-serving-api`` does not ship.

Here: SSLConfig (config/ssl_config.proto), MonitoringConfig (config/monitoring_config.proto), BatchingParameters
(servables/tensorflow/session_bundle_config.proto) and the messages of grpc.health.v1, described once and made into
classes when this module is imported; they live in a pool of their own, away from generated modules somebody may have
loaded. Used by ``startup`` and ``health``. Not here: what they mean.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

_Field = descriptor_pb2.FieldDescriptorProto
_SERVING = "tensorflow.serving"
_HEALTH = "grpc.health.v1"


def _file(name: str, package: str) -> Any:
    return descriptor_pb2.FileDescriptorProto(name=name, package=package, syntax="proto3")


def _message(file: Any, name: str, **fields: int | str) -> Any:
    """Add a message; a field is a scalar type, or the full name of a message or an enum."""
    message = file.message_type.add(name=name)
    for number, (field_name, kind) in enumerate(fields.items(), start=1):
        field = message.field.add(name=field_name, number=number, label=_Field.LABEL_OPTIONAL)
        if isinstance(kind, str):
            field.type, field.type_name = _Field.TYPE_MESSAGE, kind
        else:
            field.type = kind
    return message


def _ssl() -> Any:
    file = _file("reconciler/ssl_config.proto", _SERVING)
    text = _Field.TYPE_STRING
    _message(file, "SSLConfig", server_key=text, server_cert=text, custom_ca=text, client_verify=_Field.TYPE_BOOL)
    return file


def _monitoring() -> Any:
    file = _file("reconciler/monitoring_config.proto", _SERVING)
    _message(file, "PrometheusConfig", enable=_Field.TYPE_BOOL, path=_Field.TYPE_STRING)
    _message(file, "MonitoringConfig", prometheus_config=f".{_SERVING}.PrometheusConfig")
    return file


def _batching() -> Any:
    file = _file("reconciler/batching_parameters.proto", _SERVING)
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    whole, text, switch = (f".google.protobuf.{kind}Value" for kind in ("Int64", "String", "Bool"))
    message = _message(
        file,
        "BatchingParameters",
        max_batch_size=whole,
        batch_timeout_micros=whole,
        max_enqueued_batches=whole,
        num_batch_threads=whole,
        thread_pool_name=text,
        allowed_batch_sizes=_Field.TYPE_INT64,
        pad_variable_length_inputs=_Field.TYPE_BOOL,
        enable_large_batch_splitting=switch,
        max_execution_batch_size=whole,
    )
    message.field[5].label = _Field.LABEL_REPEATED
    return file


def _health() -> Any:
    file = _file("reconciler/health.proto", _HEALTH)
    _message(file, "HealthCheckRequest", service=_Field.TYPE_STRING)
    response = _message(file, "HealthCheckResponse", status=_Field.TYPE_ENUM)
    response.field[0].type_name = f".{_HEALTH}.HealthCheckResponse.ServingStatus"
    states = response.enum_type.add(name="ServingStatus")
    for number, name in enumerate(("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")):
        states.value.add(name=name, number=number)
    return file


_POOL = descriptor_pool.DescriptorPool()
_POOL.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
for _made in (_ssl(), _monitoring(), _batching(), _health()):
    _POOL.AddSerializedFile(_made.SerializeToString())


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(name))


SSLConfig = _class(f"{_SERVING}.SSLConfig")
MonitoringConfig = _class(f"{_SERVING}.MonitoringConfig")
BatchingParameters = _class(f"{_SERVING}.BatchingParameters")
HealthCheckRequest = _class(f"{_HEALTH}.HealthCheckRequest")
HealthCheckResponse = _class(f"{_HEALTH}.HealthCheckResponse")
