"""The TensorFlow half of ``samples``: one graph per kind, saved with its signatures.

Called by ``samples.export`` alone. Plain ``tf.Module`` without Keras, whose import costs more than the whole export.
Not here: weights and expected answers.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.modelserver import runtime, samples
from reconciler.modelserver.tensors import Array
from reconciler.wire.stubs import saved_model_pb2


def save(kind: str, parameters: Mapping[str, Array], directory: Path, ballast: int) -> None:
    """Write a SavedModel with these weights into an existing directory."""
    tf = runtime.tensorflow()
    module = tf.Module()
    module.weights = {name: tf.Variable(value, name=name) for name, value in parameters.items()}
    if ballast:
        module.ballast = tf.Variable(tf.random.uniform([ballast // 4]), name="ballast")
    build = {"half-plus": _half_plus, "classifier": _classifier, "ranker": _ranker}[kind]
    module.signatures_built = build(tf, module)
    tf.saved_model.save(module, str(directory), signatures=dict(module.signatures_built))
    _name_methods(directory / "saved_model.pb")


def _function(tf: Any, body: Any, **inputs: Any) -> Any:
    specs = {name: tf.TensorSpec(shape, dtype, name=name) for name, (shape, dtype) in inputs.items()}
    return tf.function(body).get_concrete_function(**specs)


def _half_plus(tf: Any, module: Any) -> dict[str, Any]:
    weights = module.weights

    def predict(x: Any) -> dict[str, Any]:
        return {"y": x * weights["a"] + weights["b"]}

    def from_examples(output: str) -> Any:
        def body(inputs: Any) -> dict[str, Any]:
            parsed = tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([1], tf.float32)})
            return {output: parsed["x"] * weights["a"] + weights["b"]}

        return _function(tf, body, inputs=([None], tf.string))

    return {
        "serving_default": _function(tf, predict, x=([None, 1], tf.float32)),
        "regress_x_to_y": from_examples("outputs"),
        "classify_x_to_y": from_examples("scores"),
    }


def _classifier(tf: Any, module: Any) -> dict[str, Any]:
    weights = module.weights

    def predict(images: Any) -> dict[str, Any]:
        logits = tf.reshape(images, [-1, weights["weights"].shape[0]]) @ weights["weights"] + weights["bias"]
        return {"probabilities": tf.nn.softmax(logits), "class": tf.argmax(logits, axis=1)}

    return {"serving_default": _function(tf, predict, images=([None, 28, 28, 1], tf.float32))}


def _ranker(tf: Any, module: Any) -> dict[str, Any]:
    weights = module.weights
    module.tables = {side: _table(tf, samples.words(side)) for side in ("user", "item")}

    def predict(user: Any, item: Any) -> dict[str, Any]:
        users = tf.gather(weights["users"], module.tables["user"].lookup(user))
        items = tf.gather(weights["items"], module.tables["item"].lookup(item))
        return {"score": tf.reduce_sum(users * items, axis=1)}

    return {"serving_default": _function(tf, predict, user=([None], tf.string), item=([None], tf.string))}


def _table(tf: Any, words: list[str]) -> Any:
    rows = tf.lookup.KeyValueTensorInitializer(tf.constant(words), tf.range(len(words), dtype=tf.int64))
    return tf.lookup.StaticHashTable(rows, default_value=len(words))


def _name_methods(file: Path) -> None:
    """TensorFlow 2 calls every signature a predict signature; the method name is what tells Classify and Regress."""
    saved_model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    for name, signature in saved_model.meta_graphs[0].signature_def.items():
        verb = name.partition("_")[0]
        if verb in {"classify", "regress"}:
            signature.method_name = f"tensorflow/serving/{verb}"
    file.write_bytes(saved_model.SerializeToString(deterministic=True))
