"""The stubs come without TensorFlow, and do not get in its way.

Each test is a fresh interpreter, because imports are global.
"""

import subprocess
import sys

import pytest

WITHOUT = """
import sys
from reconciler.wire import stubs
assert "tensorflow" not in sys.modules
assert "libtensorflow" not in open("/proc/self/maps").read()
request = stubs.predict_pb2.PredictRequest()
request.inputs["x"].dtype = stubs.types_pb2.DT_FLOAT
assert request.SerializeToString()
assert stubs.prediction_service_pb2_grpc.PredictionServiceStub
assert stubs.model_service_pb2_grpc.ModelServiceStub
"""

AFTERWARDS = """
from reconciler.wire import stubs
import tensorflow as tf
assert float(tf.constant(2.0)) == 2.0
assert isinstance(tf.make_tensor_proto([1.0]), stubs.tensor_pb2.TensorProto)
"""

BEFORE = """
import tensorflow as tf
from reconciler.wire import stubs
assert isinstance(tf.make_tensor_proto([1.0]), stubs.tensor_pb2.TensorProto)
assert float(tf.constant(2.0)) == 2.0
"""

AT_THE_SAME_TIME = """
import threading
together = threading.Barrier(2)
def real():
    together.wait()
    import tensorflow as tf
    seen.append(float(tf.constant(2.0)))
seen = []
thread = threading.Thread(target=real)
thread.start()
together.wait()
from reconciler.wire import stubs
thread.join()
assert seen == [2.0]
assert stubs.model_pb2.ModelSpec(name="m").name == "m"
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(WITHOUT, id="stubs alone leave libtensorflow out of the process"),
        pytest.param(AFTERWARDS, id="real tensorflow imports after the stubs"),
        pytest.param(BEFORE, id="stubs import after real tensorflow"),
        pytest.param(AT_THE_SAME_TIME, id="both import at the same time in two threads"),
    ],
)
def test_stubs_and_tensorflow_share_a_process(script: str) -> None:
    done = run(script)
    assert done.returncode == 0, done.stderr


def test_every_exported_name_is_a_module() -> None:
    from reconciler.wire import stubs

    assert all(getattr(stubs, name).__name__.endswith(name) for name in stubs.__all__)
