"""Base paths as a real process sees them: a URI, a link, and version directories that cannot be measured."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from running_server import AVAILABLE, END, floats, model, running, spec
from sample_shelf import Shelf

pytestmark = pytest.mark.serving


def test_a_server_loads_from_uris_and_links_and_says_what_it_cannot_measure(shelf: Shelf, tmp_path: Path) -> None:
    """One process for all of it: starting one takes longer than the rest."""
    base = shelf.publish(tmp_path / "half", 1)
    shutil.copytree(base / "1", tmp_path / "elsewhere")
    (base / "2").symlink_to(tmp_path / "elsewhere")
    (base / "3").write_text("a file")
    shutil.copytree(base / "1", base / "4")
    (base / "4" / "again").symlink_to(base / "4")
    start = tmp_path / "models.config"
    start.write_text(
        f'model_config_list {{ config {{ name: "half" base_path: "file://{base}/" model_platform: "tensorflow" '
        "model_version_policy { specific { versions: 1 versions: 2 } } } }"
    )
    with running(f"--model_config_file={start}", "--max_num_load_retries=0", "--num_load_threads=2") as server:
        server.until_states("half", {2: AVAILABLE, 1: AVAILABLE})
        assert server.predict(spec("half", version=2), x=floats(2.0)).model_spec.version.value == 2
        server.reload(model("half", base, (1, 2, 3, 4)))
        server.until_states("half", {4: END, 3: END, 2: AVAILABLE, 1: AVAILABLE})
        words = "Error while attempting to reserve resources to load servable {name: half version: "
        errors = [(each.status.error_code, each.status.error_message) for each in server.statuses("half")[:2]]
    assert errors == [
        (13, f"{words}4}}: {base}/4{'/again' * 41}; Too many levels of symbolic links"),
        (13, f"{words}3}}: {base}/3; Not a directory"),
    ]
