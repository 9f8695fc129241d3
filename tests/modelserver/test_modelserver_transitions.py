"""Reloads, loads and unloads on a real server with real directories.

Each test uses its own model name and base path, and names all models it keeps: a reload replaces everything.
"""

import shutil
from pathlib import Path

import psutil
import pytest
from running_server import AVAILABLE, END, RunningServer, floats, model, refusal, running, spec, until
from sample_shelf import Shelf

pytestmark = pytest.mark.serving
FAST = ("--max_num_load_retries=0", "--num_load_threads=2", "--num_unload_threads=1")


def loads(server: RunningServer, name: str, base_path: Path, *versions: int) -> None:
    server.reload(model(name, base_path, versions[:1]))
    server.reload(model(name, base_path, versions))
    server.until_states(name, dict.fromkeys(versions, AVAILABLE))


def broken(server: RunningServer, name: str, base_path: Path) -> tuple[str, int, str]:
    """How a reload with a model whose version 1 cannot load ends: the refusal, and that version's own error."""
    code, text = refusal(lambda: server.reload(model(name, base_path, [1])))
    assert code == "UNKNOWN"
    (status,) = server.statuses(name)
    assert status.state == END
    return text, status.status.error_code, status.status.error_message


def test_reload_ok_does_not_mean_loaded(server: RunningServer, shelf: Shelf, tmp_path: Path) -> None:
    base = shelf.publish(tmp_path / "m", 1, 2)
    server.reload(model("notyet", base, [1]))
    server.reload(model("notyet", base, [1, 2]))
    assert refusal(lambda: server.statuses("notyet", version=2)) == (
        "NOT_FOUND",
        "Could not find version 2 of model notyet",
    )
    server.until_states("notyet", {2: AVAILABLE, 1: AVAILABLE})
    assert [status.version for status in server.statuses("notyet", label="any")] == [2, 1]


def test_label_moved_with_its_load_is_refused_and_nothing_changes(
    server: RunningServer, shelf: Shelf, tmp_path: Path
) -> None:
    base = shelf.publish(tmp_path / "m", 1, 2)
    server.reload(model("moved", base, [1]))
    server.reload(model("moved", base, [1], stable=1))
    assert refusal(lambda: server.reload(model("moved", base, [1, 2], stable=2))) == (
        "FAILED_PRECONDITION",
        "Request to assign label to version 2 of model moved, which is not currently available for inference",
    )
    assert server.predict(spec("moved", label="stable"), x=floats(2.0)).model_spec.version.value == 1
    server.reload(model("moved", base, [1, 2], stable=1))
    server.until_states("moved", {2: AVAILABLE, 1: AVAILABLE})
    server.reload(model("moved", base, [1, 2], stable=2))
    assert server.predict(spec("moved", label="stable"), x=floats(2.0)).outputs["y"].float_val[0] == 4.0


def test_dropped_version_ends_and_its_label_dangles(server: RunningServer, shelf: Shelf, tmp_path: Path) -> None:
    base = shelf.publish(tmp_path / "m", 1, 2)
    loads(server, "dropped", base, 1, 2)
    server.reload(model("dropped", base, [2], stable=1))
    server.until_states("dropped", {2: AVAILABLE, 1: END})
    assert refusal(lambda: server.predict(spec("dropped", label="stable"), x=floats(2.0))) == (
        "NOT_FOUND",
        "Servable not found for request: Specific(dropped, 1)",
    )
    server.reload()
    server.until_states("dropped", {2: END, 1: END})


def test_removed_directory_unloads_its_version(server: RunningServer, shelf: Shelf, tmp_path: Path) -> None:
    base = shelf.publish(tmp_path / "m", 1, 2)
    loads(server, "removed", base, 1, 2)
    shutil.rmtree(base / "1")
    server.until_states("removed", {2: AVAILABLE, 1: END})


def test_garbage_is_data_loss(server: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"\xff" * 64)
    said = f"Can't parse {tmp_path}/1/saved_model.pb as binary proto"
    assert broken(server, "garbage", tmp_path) == (
        f"1 model(s) did not become available: {{{{{{name: garbage version: 1}} due to error: DATA_LOSS: {said}}}, }}",
        15,
        said,
    )


def test_directory_without_a_model_is_not_found(server: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    _, code, text = broken(server, "nothing", tmp_path)
    assert code == 5
    assert text.startswith("Specified file path does not appear to contain a SavedModel bundle")
    assert text.endswith(f"Specified file path: {tmp_path}/1")


def test_empty_file_has_no_graph_with_the_tags(server: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").touch()
    _, code, text = broken(server, "empty", tmp_path)
    assert code == 5
    assert text.startswith("Could not find meta graph def matching supplied tags: { serve }.")


def test_half_copied_variables_are_out_of_range(server: RunningServer, shelf: Shelf, tmp_path: Path) -> None:
    base = shelf.publish(tmp_path / "m", 1)
    data = base / "1" / "variables" / "variables.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:2])
    _, code, text = broken(server, "halfcopied", base)
    assert code == 11
    assert text.startswith("Read less bytes than requested")


def test_missing_variables_load_and_fail_every_call(server: RunningServer, shelf: Shelf, tmp_path: Path) -> None:
    base = shelf.publish(tmp_path / "m", 1)
    shutil.rmtree(base / "1" / "variables")
    server.reload(model("novariables", base, [1]))
    server.until_states("novariables", {1: AVAILABLE})
    code, text = refusal(lambda: server.predict(spec("novariables"), x=floats(2.0)))
    assert code == "FAILED_PRECONDITION"
    assert text.startswith("Could not find variable ")


def test_a_failed_version_leaves_its_neighbour_serving(server: RunningServer, shelf: Shelf, tmp_path: Path) -> None:
    base = shelf.publish(tmp_path / "m", 1)
    (base / "4").mkdir()
    server.reload(model("neighbour", base, [1]))
    server.reload(model("neighbour", base, [1, 4]))
    server.until_states("neighbour", {4: END, 1: AVAILABLE})
    assert server.predict(spec("neighbour"), x=floats(2.0)).model_spec.version.value == 1


def test_memory_comes_back_when_a_version_is_unloaded(server: RunningServer, shelf: Shelf) -> None:
    process = psutil.Process(server.process.pid)
    server.reload(model("heavy", shelf.exported / "heavy", [1]))
    full = process.memory_info().rss
    server.reload()
    until(lambda: process.memory_info().rss < full - 40_000_000, "the memory of the unloaded version is free")


def test_blocked_reload_goes_on_when_its_client_is_gone(shelf: Shelf, tmp_path: Path) -> None:
    config = tmp_path / "models.config"
    config.write_text("model_config_list {}")
    with running(f"--model_config_file={config}", *FAST) as server:
        wanted = model("late", tmp_path / "m", [1])
        assert refusal(lambda: server.reload(wanted, timeout=0.3))[0] == "DEADLINE_EXCEEDED"
        assert refusal(lambda: server.reload(timeout=0.3))[0] == "DEADLINE_EXCEEDED"
        assert server.states("late") == {}
        shelf.publish(tmp_path / "m", 1)
        server.until_states("late", {1: END})  # the first reload loaded it, then the queued empty one dropped it


def test_polled_config_file_undoes_a_reload_and_survives_a_bad_file(shelf: Shelf, tmp_path: Path) -> None:
    base = shelf.publish(tmp_path / "m", 1, 2)
    config = tmp_path / "models.config"
    entry = 'model_config_list {{ config {{ name: "filed" base_path: "{}" model_platform: "tensorflow" {} }} }}'
    one = "model_version_policy { specific { versions: 1 } }"
    config.write_text(entry.format(base, one))
    with running(f"--model_config_file={config}", "--model_config_file_poll_wait_seconds=2", *FAST) as server:

        def carried_out() -> bool:  # again and again, because the file may be read before the storage is
            server.reload(model("filed", base, [1, 2]))
            return 2 in server.states("filed")

        until(carried_out, "the reload is carried out")
        server.until_states("filed", {1: AVAILABLE, 2: END})
        config.write_text("model_config_list { config {")
        assert server.predict(spec("filed"), x=floats(2.0)).model_spec.version.value == 1
        config.write_text(entry.format(base, ""))
        server.until_states("filed", {1: END, 2: AVAILABLE})
