"""The embedded TensorFlow Serving-compatible model server: a pure core, a TensorFlow loader, gRPC and REST fronts.

``main`` is ``reconciler model-server``. Importing this package imports none of it, because the simulator takes the core
alone.
"""

from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Run a server with ``tensorflow_model_server``'s flags until it is told to stop; returns the exit code."""
    from reconciler.modelserver import serve

    return serve.main(argv)
