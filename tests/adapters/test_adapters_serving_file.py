"""Delivery by file: whole or not at all, and never with labels where a server would die of them."""

from pathlib import Path

import pytest

from reconciler.adapters import delivery_file
from reconciler.adapters.serving import GrpcClients
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Delivery, DeliveryMode, DesiredServer, Fleet
from reconciler.state.look import ReachKind
from reconciler.state.memory import AnswerKind
from reconciler.state.versions import specific
from reconciler.wire import config as wire_config
from reconciler.wire import text

CONFIG = ServerConfig((ModelConfig("m", "/models/m", specific(1), (("stable", 1),)),))


def by_file(template: str) -> DesiredServer:
    fleet = Fleet("f", delivery=Delivery(DeliveryMode.FILE, config_file=template))
    return DesiredServer(fleet, "gpu-1", "localhost:1")


async def test_reload_writes_the_file_of_that_server(tmp_path: Path) -> None:
    clients = GrpcClients()
    client = clients.client(by_file(f"{tmp_path}/{{server}}.pbtxt"))
    assert (await client.reload(CONFIG)).kind is AnswerKind.ACCEPTED
    written = (tmp_path / "gpu-1.pbtxt").read_text()
    assert wire_config.from_proto(text.parse(written)) == CONFIG
    await clients.close()


async def test_statuses_are_asked_over_grpc_all_the_same(tmp_path: Path) -> None:
    clients = GrpcClients()
    client = clients.client(by_file(f"{tmp_path}/x"))
    assert (await client.reach()).kind is ReachKind.UNREACHABLE
    await clients.close()


async def test_missing_folder_refuses_the_reload_and_is_named() -> None:
    clients = GrpcClients()
    answer = await clients.client(by_file("/nowhere/here/x.pbtxt")).reload(CONFIG)
    assert (answer.kind, "/nowhere/here/x.pbtxt" in answer.message) == (AnswerKind.REFUSED, True)
    await clients.close()


def test_file_is_readable_by_the_server_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "config.pbtxt"
    assert delivery_file.write_config_file(str(path), CONFIG)
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_file_that_holds_this_already_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.pbtxt"
    delivery_file.write_config_file(str(path), CONFIG)
    before = path.stat().st_ino
    assert not delivery_file.write_config_file(str(path), CONFIG)
    assert path.stat().st_ino == before


def test_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    (target / "inside").mkdir(parents=True)
    with pytest.raises(OSError):
        delivery_file.write_config_file(str(target), CONFIG)
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_bootstrap_config_has_no_labels() -> None:
    assert delivery_file.without_labels(CONFIG).models[0].labels == ()
