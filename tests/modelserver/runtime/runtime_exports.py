"""SavedModels of every kind a person may bring, exported by TensorFlow in a process of their own.

Run as a script with a folder; ``conftest`` does, once for all tests. Every way of exporting is here because each writes
another kind of file: ``tf.Module``, Keras, and the builder of TensorFlow 1 with its tables, assets and partitions.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.modelserver import runtime, samples

tf = runtime.tensorflow()
v1 = tf.compat.v1

PLAIN = [
    *["float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"],
    *["uint64", "bool", "complex64", "complex128", "string", "qint8", "quint8", "qint16", "quint16", "qint32"],
]


def types(folder: Path) -> None:
    """One signature per element type: what comes in goes out."""
    module = tf.Module()
    signatures = {}
    kinds = {name: getattr(tf, name) for name in PLAIN}
    for name in ("float8_e5m2", "float8_e4m3fn", "int4", "uint4"):
        kinds[name] = getattr(tf.dtypes.experimental, name)
    for name, kind in kinds.items():
        spec = tf.TensorSpec(None, kind, name="x")
        signatures[name] = tf.function(lambda x: {"y": tf.identity(x)}).get_concrete_function(x=spec)
    tf.saved_model.save(module, str(folder / "types"), signatures=signatures)


def keras(folder: Path) -> None:
    """What ``model.export`` of Keras 3 writes: three outputs of ones and twos."""
    inputs = tf.keras.Input((2,))
    outputs = tf.keras.layers.Dense(3, kernel_initializer="ones", bias_initializer="ones")(inputs)
    tf.keras.Model(inputs, outputs).export(str(folder / "keras"), verbose=False)


@contextmanager
def built(folder: Path, name: str, signature: Any, **how: Any) -> Iterator[Any]:
    """A graph and session of TensorFlow 1, saved at the end; ``signature`` makes inputs and outputs."""
    with tf.Graph().as_default(), v1.Session() as session:
        inputs, outputs = signature()
        yield
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        builder = v1.saved_model.Builder(str(folder / name))
        served = v1.saved_model.predict_signature_def(inputs, outputs)
        extra = {key: value() if callable(value) else value for key, value in how.items()}
        builder.add_meta_graph_and_variables(
            session, [v1.saved_model.tag_constants.SERVING], {"serving_default": served}, **extra
        )
        builder.save()


def _colours(folder: Path) -> Any:
    words = folder / "colours.txt"
    words.write_text("red\ngreen\nblue\n")
    kind = tf.lookup.TextFileIndex
    rows = tf.lookup.TextFileInitializer(str(words), tf.string, kind.WHOLE_LINE, tf.int64, kind.LINE_NUMBER)
    table = tf.lookup.StaticHashTable(rows, -1)
    word = v1.placeholder(tf.string, [None], name="word")
    return {"word": word}, {"row": table.lookup(word)}


def tables(folder: Path) -> None:
    """A lookup table read from an asset by the main op, and by the legacy one."""
    for name, key in (("main-op", "main_op"), ("legacy-op", "legacy_init_op")):
        how = {key: v1.tables_initializer, "assets_collection": lambda: v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS)}
        with built(folder, name, lambda: _colours(folder), **how):
            pass
    (folder / "colours.txt").unlink()


def partitions(folder: Path) -> None:
    """A variable in three pieces of a reference kind, as TensorFlow 1 made them."""

    def signature() -> Any:
        pieces = v1.get_variable(
            "v", [6, 1], initializer=v1.ones_initializer(), partitioner=v1.fixed_size_partitioner(3), use_resource=False
        )
        x = v1.placeholder(tf.float32, [None, 6], name="x")
        return {"x": x}, {"y": x @ tf.concat(list(pieces), axis=0)}

    with built(folder, "partitions", signature):
        pass


def waiting(folder: Path) -> None:
    """A signature that waits for ever: it takes from a queue nobody fills."""

    def signature() -> Any:
        x = v1.placeholder(tf.float32, [], name="x")
        return {"x": x}, {"y": x + tf.queue.FIFOQueue(1, [tf.float32], [[]]).dequeue()}

    with built(folder, "waiting", signature):
        pass


def failing(folder: Path) -> None:
    """An initialisation that never succeeds."""

    def signature() -> Any:
        x = v1.placeholder(tf.float32, [], name="x")
        return {"x": x}, {"y": x + 1}

    def refuses() -> Any:
        return tf.debugging.Assert(tf.constant(False), ["this model does not start"], name="refuses")

    with built(folder, "failing", signature, main_op=refuses):
        pass


def counting(folder: Path) -> None:
    """State that lives as long as the version: each call answers one more, and remembers the word it was given."""
    module = tf.Module()
    module.calls = tf.Variable(0, dtype=tf.int64)
    module.word = tf.Variable("", dtype=tf.string)

    def call(word: Any) -> Any:
        before = tf.identity(module.word.read_value())
        with tf.control_dependencies([before]):
            module.word.assign(word)
        return {"calls": module.calls.assign_add(1), "before": before}

    served = tf.function(call).get_concrete_function(word=tf.TensorSpec([], tf.string, name="word"))
    tf.saved_model.save(module, str(folder / "counting"), signatures={"serving_default": served})


if __name__ == "__main__":
    target = Path(sys.argv[1])
    samples.export("half-plus", target, 1)
    for make in (types, keras, tables, partitions, waiting, failing, counting):
        make(target)
