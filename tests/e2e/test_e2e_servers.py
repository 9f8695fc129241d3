"""Servers that crash, restart, are down, are something else, or obey somebody else."""

from contextlib import ExitStack

import pytest
from e2e_stage import Stage
from e2e_strangers import (
    grpc_that_hangs,
    grpc_without_service,
    http_server,
    nobody,
    silent_listener,
    tls_gateway,
)
from githost import make_certificate
from running_server import AVAILABLE, model

from reconciler.state.plan import ActionKind

pytestmark = pytest.mark.serving


def test_server_killed_and_restarted_empty_is_healed_versions_first_then_labels(stage: Stage) -> None:
    half, other = stage.model(1, 2), stage.model(1)
    stage.commit("all is live", half.at(1, 2, stable=1, canary=2), other.at(1, stable=1))
    with stage.service():
        stage.settle()
        before = len(stage.history())
        stage.server.restart()
        with stage.traffic(half, "canary") as canary, stage.traffic(other) as stable:
            canary.wait_for(2)
            stable.wait_for(1)
        stage.settle()
    bodies = [intent.body for intent, _ in stage.history()[before:]]
    assert [[each.labels for each in body.config.models] for body in bodies[:1]] == [[(), ()]]
    assert {action.kind for action in bodies[-1].actions} == {ActionKind.LABEL}


def test_server_restarted_from_its_bootstrap_file_gets_its_labels_back(stage: Stage) -> None:
    half = stage.model(1, 2)
    bootstrap = {"mode": "rpc", "bootstrapFile": str(stage.server.config_file)}
    stage.commit("all is live", stage.fleet(delivery=bootstrap), half.at(1, 2, stable=1, canary=2))
    with stage.service():
        stage.settle()
        stage.until(lambda: half.name in stage.server.config_file.read_text(), "the bootstrap file")
        stage.server.restart(empty=False)
        both = {1: AVAILABLE, 2: AVAILABLE}  # the ports open with the first of them
        stage.until(lambda: stage.server.now.states(half.name) == both, "both versions from the file")
        with stage.traffic(half) as stable, stage.traffic(half, "canary") as canary:
            stable.wait_for(1)
            canary.wait_for(2)
        stage.settle()


@pytest.mark.parametrize("stage", [2], indirect=True)
def test_one_server_down_does_not_hold_up_the_other(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("1 is live", half.at(1, stable=1))
    with stage.service():
        stage.settle()
        stage.servers[1].kill()
        with stage.traffic(half) as stable:
            stage.commit("2 is stable", half.at(2, stable=2))
            stage.settle("gpu-1")
            stable.wait_for(2)
        assert stable.lost == []
        stage.wait_stalled("gpu-2", "Unreachable")
        stage.servers[1].start()
        stage.settle()
        with stage.traffic(half, server=stage.servers[1]) as late:
            late.wait_for(2)


def test_addresses_where_no_model_server_answers_are_held_each_with_its_advice(stage: Stage) -> None:
    half = stage.model(1)
    with ExitStack() as opened:
        kinds = (silent_listener, grpc_that_hangs, http_server, grpc_without_service, nobody)
        strangers = {kind.__name__.replace("_", "-"): opened.enter_context(kind()) for kind in kinds}
        deadlines = {"status": "500ms", "reload": "5s", "load": "60s", "unload": "60s"}
        stage.commit("1 is live", stage.fleet(strangers, deadlines=deadlines), half.at(1, stable=1))
        with stage.service():
            stage.settle("gpu-1")
            said = {name: stage.wait_stalled(name, "Unreachable").message for name in strangers}
    assert "check that it runs and that the address is right" in said["silent-listener"]
    assert "an answer within the status deadline" in said["grpc-that-hangs"]
    assert "is this the REST port?" in said["http-server"]
    assert "a TensorFlow Serving gRPC port" in said["grpc-without-service"]
    assert "check that it runs and that the address is right" in said["nobody"]


def test_second_writer_is_seen_and_what_it_took_away_comes_back(stage: Stage) -> None:
    half = stage.model(1, 2)
    stage.commit("all is live", half.at(1, 2, stable=1, canary=2))
    with stage.service() as service:
        stage.settle()
        with stage.traffic(half) as stable:
            mark = len(service.log)
            stage.server.overwrite(model(half.name, half.base_path, [1], stable=1))
            service.wait_for("pass sent", since=mark)
            with stage.traffic(half, "canary") as canary:
                canary.wait_for(2)
            stage.settle()
    assert stable.lost == []


def test_missing_base_path_of_a_neighbour_freezes_loads_and_says_so(stage: Stage) -> None:
    half, neighbour = stage.model(1, 2), stage.model(1)
    stage.commit("two models", half.at(1, stable=1), neighbour.at(1, stable=1))
    with stage.service():
        stage.settle()
        with stage.traffic(half) as stable, stage.traffic(neighbour) as beside:
            away = neighbour.base_path.rename(neighbour.base_path.with_name("away"))
            stage.commit("2 is stable", half.at(2, stable=2))
            held = stage.wait_stalled(f"gpu-1/{half.name}", "DiscoveryFrozen")
            assert neighbour.name in held.message
            assert str(neighbour.base_path) in held.message
            stable.wait_for_more()
            away.rename(neighbour.base_path)
            stage.settle()
            stable.wait_for(2)
    assert stable.lost == beside.lost == []


def test_config_file_that_the_server_polls_promotes_like_a_reload(stage: Stage) -> None:
    stage.servers.clear()
    server = stage.own_server(
        "--model_config_file_poll_wait_seconds=1", "--allow_version_labels_for_unavailable_models"
    )
    half = stage.model(1, 2)
    fleet = stage.fleet(delivery={"mode": "file", "configFile": str(server.config_file)})
    fleet["spec"]["tfServing"] |= {
        "modelConfigFilePollWaitSeconds": 1,
        "allowVersionLabelsForUnavailableModels": True,
    }
    stage.commit("1 is live", fleet, half.at(1, stable=1))
    with stage.service():
        stage.settle()
        with stage.traffic(half) as stable:
            stage.commit("2 is stable", half.at(2, stable=2))
            stage.settle()
            stable.wait_for(2)
    assert stable.lost == []
    assert stable.versions == [1, 2]


def test_server_behind_tls_and_authorization_is_held_without_the_secret_and_reconciled_with_it(stage: Stage) -> None:
    server, half = stage.servers.pop(), stage.model(1)
    certificate, secret = make_certificate(stage.folder), stage.folder / "secret"
    secret.write_text("Bearer wrong")
    connection = {"tls": {"caFile": str(certificate)}, "authorization": {"fromFile": str(secret)}}
    with tls_gateway(server.address, certificate, "Bearer right") as address:
        stage.commit("1 is live", stage.fleet({"gpu-1": address}, connection=connection), half.at(1, stable=1))
        with stage.service() as service:
            held = stage.wait_stalled("gpu-1", "Unreachable")
            assert "who are you?" in held.message
            secret.write_text("Bearer right")
            stage.settle("gpu-1")
    assert server.now.states(half.name) == {1: AVAILABLE}
    assert "Bearer" not in "".join(service.lines)
