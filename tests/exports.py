"""Bytes of SavedModels for tests, from TensorFlow's own messages: signatures as exported, and no real graph."""

from collections.abc import Mapping

from reconciler.wire import stubs

FLOAT = 1
USUAL = {"serving_default": ("x", "y")}


def saved_model(
    signatures: Mapping[str, tuple[str, str]] = USUAL, graph: bytes = b"", tags: tuple[str, ...] = ("serve",)
) -> bytes:
    """A `saved_model.pb` whose signatures take one float input and give one float output, as named.

    `graph` goes into a node of the graph, to make it as large as one likes.
    """
    message = stubs.saved_model_pb2.SavedModel(saved_model_schema_version=1)
    body = message.meta_graphs.add()
    body.meta_info_def.tags.extend(tags)
    body.meta_info_def.tensorflow_version = "2.20.0"
    body.graph_def.node.add(name="w", op="Const").attr["value"].s = graph
    for name, (given, taken) in signatures.items():
        signature = body.signature_def[name]
        signature.method_name = "tensorflow/serving/predict"
        for info, alias in ((signature.inputs[given], given), (signature.outputs[taken], taken)):
            info.name = f"{alias}:0"
            info.dtype = FLOAT
            info.tensor_shape.dim.add(size=-1)
    return bytes(message.SerializeToString(deterministic=True))
