"""tensorflow.Example requests: from an Input message to the one string tensor a signature takes.

Here: ``InputToSerializedExampleTensor`` of servables/tensorflow/util.cc, and how a signature is quoted in an error.
Used by ``classify``, ``regress`` and ``multiinference``. Not here: parsing of examples, which the graph does.
"""

import numpy as np
from google.protobuf import text_format

from reconciler.modelserver.statuses import invalid_argument
from reconciler.modelserver.tensors import Array, Proto


def serialized(source: Proto) -> Array:
    """One string per example; a context is put before each, which protobuf reads as one merged message."""
    match source.WhichOneof("kind"):
        case "example_list":
            context, examples = b"", source.example_list.examples
        case "example_list_with_context":
            with_context = source.example_list_with_context
            context, examples = with_context.context.SerializeToString(), with_context.examples
        case _:
            context, examples = b"", ()
    if not examples:
        raise invalid_argument("Input is empty.")
    result = np.empty(len(examples), dtype=object)
    result[:] = [context + example.SerializeToString() for example in examples]
    return result


def quoted(signature: Proto) -> str:
    """A signature inside an error text: protobuf's DebugString.

    TensorFlow Serving 2.20 is built with protobuf 28; only from 30 on a marker stands before it.
    """
    return str(text_format.MessageToString(signature))


def shown_shape(value: Array) -> str:
    """A shape inside an error text: ``[2,3]``."""
    return f"[{','.join(map(str, value.shape))}]"
