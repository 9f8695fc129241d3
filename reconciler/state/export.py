"""What an export promises to its clients: signatures as written in `saved_model.pb`, and what else its files say.

Read by `adapters/` without TensorFlow and without running anything, compared by `preflight/compatibility.py` before a
label moves. Source of the shapes: tensorflow/core/protobuf/meta_graph.proto (SignatureDef, TensorInfo). Deliberately
not here: whether the directory is complete (`VersionFiles`), and anything a loaded model says of itself.
"""

from dataclasses import dataclass

DEFAULT_SIGNATURE = "serving_default"
"""What a request that names no signature is answered by."""

INIT_SIGNATURE = "__saved_model_init_op"
"""An export's own start-up step, written among the signatures; no client calls it."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output: its name for clients, and what it holds.

    dtype: TensorFlow's name in lower case ("float", "int64", "string"), with "sparse " or "composite " before it where
    several tensors carry the value. shape: sizes by dimension, -1 where any size goes; None where even the number of
    dimensions is open.
    """

    alias: str
    dtype: str
    shape: tuple[int, ...] | None

    def __str__(self) -> str:
        sizes = "of any shape" if self.shape is None else f"[{','.join(map(str, self.shape))}]"
        return f"{self.dtype} {sizes}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call an export; inputs and outputs ascend by alias. `optional`: inputs with a default, ascending."""

    name: str
    method: str
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Export:
    """One version's files as read; signatures ascend by name.

    fingerprint: as in `VersionFiles`, "" where the directory is incomplete. tf_version: of the TensorFlow that wrote
    it, "" where it does not say. warmup: whether it brings warm-up requests; warmup_problem: why these would make the
    load fail, "" where nothing is known against them. size: bytes of all files. problem: why the export could not be
    read; then signatures, tf_version and what follows from them mean nothing.
    """

    base_path: str
    version: int
    fingerprint: str = ""
    signatures: tuple[Signature, ...] = ()
    tf_version: str = ""
    warmup: bool = False
    size: int = 0
    problem: str = ""
    warmup_problem: str = ""

    def signature(self, name: str) -> Signature | None:
        """The signature of that name, None where there is none."""
        return next((each for each in self.signatures if each.name == name), None)
