"""One real process with everything around it: TLS, a socket, the health service, metrics; and one without."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from running_server import DEADLINE, RunningServer, config, floats, model, refusal, spec
from sample_shelf import Shelf

from reconciler.modelserver.serverprotos import HealthCheckRequest, HealthCheckResponse
from reconciler.wire import stubs

pytestmark = [
    pytest.mark.serving,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made with the openssl command"),
]
_ATTEMPTS = "/tensorflow/cc/saved_model/load_attempt_count"


@dataclass(frozen=True, slots=True)
class Certificates:
    """An authority, and key and certificate of a server and of a client it vouches for."""

    folder: Path

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def text(self, name: str) -> str:
        return json.dumps(self.read(name).decode())  # its escapes are those of the text format

    def channel(self, address: str, *, as_client: bool) -> grpc.Channel:
        own = (self.read("client.key"), self.read("client.crt")) if as_client else (None, None)
        credentials = grpc.ssl_channel_credentials(self.read("ca.crt"), *own)
        return grpc.secure_channel(address, credentials, [("grpc.ssl_target_name_override", "localhost")])


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=DEADLINE)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl(folder, "req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=authority")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    for name in ("server", "client"):
        openssl(folder, "req", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"]
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.crt")
    return Certificates(folder)


@dataclass(frozen=True, slots=True)
class Dressed:
    """A server with every extra, and a channel it lets in."""

    process: RunningServer
    channel: Any  # without types for methods that take and give bytes
    socket: Path

    def check(self, service: str) -> int:
        return int(self._health("Check", service)(timeout=DEADLINE))

    def watch(self, service: str) -> int:
        """The first state told; the stream is closed then."""
        call = self.channel.unary_stream("/grpc.health.v1.Health/Watch")
        stream = call(HealthCheckRequest(service=service).SerializeToString(), timeout=DEADLINE)
        told = HealthCheckResponse.FromString(next(stream))
        stream.cancel()
        return int(told.status)

    def _health(self, method: str, service: str) -> Any:
        call = self.channel.unary_unary(f"/grpc.health.v1.Health/{method}")
        request = HealthCheckRequest(service=service).SerializeToString()
        return lambda timeout: HealthCheckResponse.FromString(call(request, timeout=timeout)).status


@pytest.fixture(scope="module")
def dressed(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dressed]:
    folder = tmp_path_factory.mktemp("dressed")
    (folder / "models").write_text("model_config_list {}")
    (folder / "monitoring").write_text("prometheus_config { enable: true }")
    keys = f"server_key: {certificates.text('server.key')} server_cert: {certificates.text('server.crt')}"
    (folder / "ssl").write_text(f"{keys} custom_ca: {certificates.text('ca.crt')} client_verify: true")
    with tempfile.TemporaryDirectory() as short:  # the path of a socket has to be short
        server = RunningServer(
            f"--model_config_file={folder / 'models'}",
            f"--monitoring_config_file={folder / 'monitoring'}",
            f"--ssl_config_file={folder / 'ssl'}",
            f"--grpc_socket_path={short}/grpc",
            "--enable_grpc_healthcheck_service",
            "--grpc_channel_arguments=grpc.max_concurrent_streams=50,nonsense,grpc.primary_user_agent=x",
        )
        channel = certificates.channel(f"127.0.0.1:{server.port}", as_client=True)
        try:
            grpc.channel_ready_future(channel).result(DEADLINE)
            yield Dressed(server, channel, Path(short, "grpc"))
        finally:
            channel.close()
            server.stop()


def reload(channel: grpc.Channel, models: Any, *metrics: str) -> dict[str, int]:
    """Load models, and say how much metrics went up by it."""
    request = stubs.model_management_pb2.ReloadConfigRequest(config=models, metric_names=metrics)
    stub = stubs.model_service_pb2_grpc.ModelServiceStub(channel)
    response = stub.HandleReloadConfigRequest(request, timeout=DEADLINE)
    return {metric.name: metric.int64_value_increase for metric in response.metric}


def status(channel: grpc.Channel) -> tuple[str, str]:
    request = stubs.get_model_status_pb2.GetModelStatusRequest(model_spec=spec("nobody"))
    stub = stubs.model_service_pb2_grpc.ModelServiceStub(channel)
    return refusal(lambda: stub.GetModelStatus(request, timeout=DEADLINE))


def is_let_in(channel: grpc.Channel) -> bool:
    """Whether a channel gets to a model service within a moment."""
    with channel:
        return status(channel)[0] == "NOT_FOUND"


# -- TLS and the socket -----------------------------------------------------------------------------------------------


def test_a_client_with_a_certificate_of_the_authority_is_let_in(dressed: Dressed) -> None:
    assert status(dressed.channel) == ("NOT_FOUND", "Could not find any versions of model nobody")


def test_clients_without_certificate_or_without_tls_are_not(dressed: Dressed, certificates: Certificates) -> None:
    address = f"127.0.0.1:{dressed.process.port}"
    assert not is_let_in(certificates.channel(address, as_client=False))
    assert not is_let_in(grpc.insecure_channel(address))


def test_the_socket_asks_for_the_same_certificates(dressed: Dressed, certificates: Certificates) -> None:
    assert is_let_in(certificates.channel(f"unix:{dressed.socket}", as_client=True))
    assert not is_let_in(grpc.insecure_channel(f"unix:{dressed.socket}"))


def test_rest_stays_plain_and_the_log_has_the_real_servers_lines(dressed: Dressed) -> None:
    assert dressed.process.rest.get("/v1/models/nobody").status_code == 404
    output = dressed.process.output()
    assert f"] Running gRPC ModelServer at 127.0.0.1:{dressed.process.port} ...\n" in output
    assert f"] Running gRPC ModelServer at UNIX socket {dressed.socket} ...\n" in output
    assert f"] Exporting HTTP/REST API at:localhost:{dressed.process.rest_port} ...\n" in output


# -- health -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["", "ModelService", "PredictionService"])
def test_the_services_of_the_real_server_are_healthy(dressed: Dressed, service: str) -> None:
    assert (dressed.check(service), dressed.watch(service)) == (1, 1)


def test_another_service_is_unknown_to_both_methods(dressed: Dressed) -> None:
    assert refusal(lambda: dressed.check("tensorflow.serving.ModelService")) == ("NOT_FOUND", "service name unknown")
    assert dressed.watch("tensorflow.serving.ModelService") == 3


def test_a_health_request_that_is_no_message_or_too_long_is_refused(dressed: Dressed) -> None:
    check = dressed.channel.unary_unary("/grpc.health.v1.Health/Check")
    assert refusal(lambda: check(b"\xff", timeout=DEADLINE)) == ("INVALID_ARGUMENT", "could not parse request")
    assert refusal(lambda: dressed.check("x" * 201)) == ("INVALID_ARGUMENT", "could not parse request")


def test_health_is_unimplemented_without_the_flag_and_reflection_always(
    dressed: Dressed, server: RunningServer
) -> None:
    plain: Any = server.channel
    health = plain.unary_unary("/grpc.health.v1.Health/Check")
    reflection = dressed.channel.unary_unary("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
    assert refusal(lambda: health(b"", timeout=DEADLINE)) == ("UNIMPLEMENTED", "")
    assert refusal(lambda: reflection(b"", timeout=DEADLINE)) == ("UNIMPLEMENTED", "")


# -- metrics ----------------------------------------------------------------------------------------------------------


def test_a_reload_reports_how_metrics_grew_once_for_each_name(dressed: Dressed, shelf: Shelf, tmp_path: Path) -> None:
    base = shelf.publish(tmp_path / "m", 1)
    grown = reload(dressed.channel, config(model("m", base, [1])), _ATTEMPTS, "unknown", _ATTEMPTS)
    again = reload(dressed.channel, config(model("m", base, [1])), _ATTEMPTS)
    assert grown == {_ATTEMPTS: 1, "unknown": 0}
    assert again == {_ATTEMPTS: 0}


def test_prometheus_reads_what_was_served(dressed: Dressed, shelf: Shelf, tmp_path: Path) -> None:
    base = shelf.publish(tmp_path / "counted", 1)
    reload(dressed.channel, config(model("counted", base, [1])))
    request = stubs.predict_pb2.PredictRequest(model_spec=spec("counted"), inputs={"x": floats(1.0)})
    stubs.prediction_service_pb2_grpc.PredictionServiceStub(dressed.channel).Predict(request, timeout=DEADLINE)
    page = dressed.process.rest.get("/monitoring/prometheus/metrics")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/plain")
    assert ':tensorflow:serving:request_count{model_name="counted",status="OK"} 1\n' in page.text
    labels = 'model_name="counted",API="Predict",entrypoint="GRPC"'
    assert f":tensorflow:serving:request_latency_count{{{labels}}} 1\n" in page.text
    assert f':tensorflow:cc:saved_model:load_attempt_count{{model_path="{base}/1",status="success"}} 1\n' in page.text


def test_a_query_string_is_no_part_of_the_metrics_path(dressed: Dressed) -> None:
    path = "/monitoring/prometheus/metrics"
    page = dressed.process.rest.get(f"{path}?format=json")
    assert (page.status_code, page.text) == (400, f"Unexpected path: {path}?format=json. Should be {path}")


def test_without_a_monitoring_file_the_page_is_not_there(server: RunningServer) -> None:
    assert server.rest.get("/monitoring/prometheus/metrics").status_code == 404
