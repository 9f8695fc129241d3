"""Predictions as values: tensors, one question to one version, and what came of it.

Made by `wire/` from the JSON of a check and from TensorFlow Serving's messages, carried by `ports.ServingClient`,
judged by `execute/`. Deliberately not here: files, tolerances, and what an answer means for a label (state/check.py).
"""

import enum
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.state.export import Signature

Element: TypeAlias = bool | int | float | bytes


@dataclass(frozen=True, slots=True)
class Tensor:
    """A dense tensor: TensorFlow's name of its element type in lower case, its sizes, its elements row by row."""

    dtype: str
    shape: tuple[int, ...]
    values: tuple[Element, ...]


Named: TypeAlias = tuple[tuple[str, Tensor], ...]
"""Tensors by alias, ascending."""


@dataclass(frozen=True, slots=True)
class Question:
    """One Predict: asked of a version by its number. `signature`: "" is the default one."""

    model: str
    version: int
    signature: str
    inputs: Named


class Heard(enum.StrEnum):
    """What became of a question.

    REFUSED: that version turned it down, and would again. LATE: the deadline passed. LOST: something on the way, or a
    version that is not loaded (any more): it says nothing about the version.
    """

    ANSWERED = "Answered"
    REFUSED = "Refused"
    LATE = "Late"
    LOST = "Lost"


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to a question. `seconds` it took there and back. `detail`: the server's words where it is none."""

    heard: Heard
    outputs: Named = ()
    seconds: float = 0.0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Signatures:
    """What a loaded version says of itself (GetModelMetadata); `detail` as in `Prediction`."""

    heard: Heard
    signatures: tuple[Signature, ...] = ()
    detail: str = ""
