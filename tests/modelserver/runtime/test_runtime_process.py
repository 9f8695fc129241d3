"""The server as a process: calls without limits, and calls that wait."""

from pathlib import Path

import pytest
from running_server import floats, model, refusal, running, spec
from sample_shelf import Shelf

from reconciler.wire import stubs

pytestmark = pytest.mark.serving


def test_blocked_reloads_leave_the_only_inference_thread_to_inferences(shelf: Shelf, tmp_path: Path) -> None:
    base = shelf.publish(tmp_path / "m", 1)
    config = tmp_path / "models.config"
    config.write_text("model_config_list {}")
    flags = ("--grpc_max_threads=1", "--max_num_load_retries=0", "--num_load_threads=1")
    with running(f"--model_config_file={config}", *flags) as server:
        server.reload(model("half", base, [1]))
        never = model("half", base, [1]), model("never", tmp_path / "nowhere", [1])
        for _ in range(3):
            assert refusal(lambda: server.reload(*never, timeout=0.2)) == ("DEADLINE_EXCEEDED", "Deadline Exceeded")
        request = stubs.predict_pb2.PredictRequest(model_spec=spec("half"), inputs={"x": floats(2.0)})
        answer = server.predictions.Predict(request)  # no deadline
        assert list(answer.outputs["y"].float_val) == [3.0]
        code, seconds = server.stop()
    assert (code, seconds < 5) == (0, True)
