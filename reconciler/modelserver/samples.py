"""Small real SavedModels, and what each version of them must answer.

Here: three kinds of model, exported with TensorFlow, whose answers tell the version; the same arithmetic in NumPy, so
that a demo or a test can check an answer without TensorFlow; and publishing a version directory in one rename.

==============  ==================================================  ======================================
kind            inputs                                              outputs
==============  ==================================================  ======================================
``half-plus``   ``x`` float [-1,1]                                  ``y`` = x / 2 + version + 1
``classifier``  ``images`` float [-1,28,28,1]                       ``probabilities`` [-1,10], ``class`` [-1]
``ranker``      ``user``, ``item`` string [-1]                      ``score`` float [-1]
==============  ==================================================  ======================================

``half-plus`` 1 is TensorFlow Serving's ``half_plus_two``, with its classify and regress signatures. Called by the
command line, the demo and tests. Not here: serving. TensorFlow is imported by ``export`` alone.
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reconciler.modelserver.tensors import Array

KINDS = ("half-plus", "classifier", "ranker")
_PIXELS, _CLASSES = 28 * 28, 10
_VOCABULARY, _DIMENSIONS = 32, 8  # known users and items; one more row for all others


def export(kind: str, directory: Path, version: int, ballast: int = 0) -> Path:
    """Export one version below ``directory``; it appears complete or not at all. ``ballast``: bytes of idle weights."""
    from reconciler.modelserver import sample_export

    parameters = parameters_of(kind, version)
    directory.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{version}.", suffix=".tmp", dir=directory))
    sample_export.save(kind, parameters, scratch, ballast)
    return _appear(scratch, directory, version)


def publish(source: Path, directory: Path, version: int) -> Path:
    """Copy an exported version under another number: same files, same answers, no TensorFlow."""
    directory.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{version}.", suffix=".tmp", dir=directory))
    shutil.copytree(source, scratch, dirs_exist_ok=True)
    return _appear(scratch, directory, version)


def _appear(scratch: Path, directory: Path, version: int) -> Path:
    scratch.chmod(0o755)
    return scratch.rename(directory / str(version))


def parameters_of(kind: str, version: int) -> dict[str, Array]:
    """The weights of a version: a function of nothing but kind and number."""
    random = np.random.default_rng(version)
    match kind:
        case "half-plus":
            return {"a": np.array(0.5, np.float32), "b": np.array(version + 1, np.float32)}
        case "classifier":
            bias = random.normal(size=_CLASSES)
            bias[version % _CLASSES] += 4  # the favourite class tells the version to the eye
            weights = random.normal(scale=0.05, size=(_PIXELS, _CLASSES))
            return {"weights": weights.astype(np.float32), "bias": bias.astype(np.float32)}
        case "ranker":
            shape = (_VOCABULARY + 1, _DIMENSIONS)
            return {side: random.normal(size=shape).astype(np.float32) for side in ("users", "items")}
        case _:
            raise ValueError(f"unknown kind of sample {kind!r}; there are {', '.join(KINDS)}")


def request_for(kind: str) -> dict[str, Any]:
    """Inputs that tell versions apart, as JSON values by input name."""
    match kind:
        case "half-plus":
            return {"x": [[1.0], [2.0], [5.0]]}
        case "classifier":
            picture = np.linspace(0, 1, _PIXELS, dtype=np.float32).reshape(1, 28, 28, 1)
            return {"images": picture.round(4).tolist()}
        case _:
            return {"user": ["user-1", "user-2", "nobody"], "item": ["item-3", "item-5", "item-7"]}


def answer_of(kind: str, version: int, inputs: Mapping[str, Any]) -> dict[str, Array]:
    """What that version must answer to these inputs, up to rounding."""
    weights = parameters_of(kind, version)
    match kind:
        case "half-plus":
            return {"y": np.asarray(inputs["x"], np.float32) * weights["a"] + weights["b"]}
        case "classifier":
            flat = np.asarray(inputs["images"], np.float32).reshape(-1, _PIXELS)
            logits = flat @ weights["weights"] + weights["bias"]
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            return {"probabilities": odds / odds.sum(axis=1, keepdims=True), "class": logits.argmax(axis=1)}
        case _:
            users = weights["users"][[_row(word, "user") for word in inputs["user"]]]
            items = weights["items"][[_row(word, "item") for word in inputs["item"]]]
            return {"score": (users * items).sum(axis=1)}


def tells(kind: str, version: int, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> bool:
    """Whether these outputs are the answer of that version."""
    expected = answer_of(kind, version, inputs)
    return expected.keys() == outputs.keys() and all(
        np.shape(value) == np.shape(outputs[name]) and np.allclose(value, outputs[name], atol=1e-4)
        for name, value in expected.items()
    )


def words(side: str) -> list[str]:
    """The users or items a ranker knows, in the order of its rows."""
    return [f"{side}-{number}" for number in range(_VOCABULARY)]


def _row(word: str, side: str) -> int:
    known = words(side)
    return known.index(word) if word in known else _VOCABULARY
