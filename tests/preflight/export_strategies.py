"""Exports for hypothesis, and ways to change one that clients notice."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from reconciler.state.export import INIT_SIGNATURE, Export, Signature, TensorSpec

ALIASES = ("a", "b", "image", "x")
SIGNATURES = ("classify", "raw", "serving_default", INIT_SIGNATURE)
DTYPES = ("float", "int64", "string", "sparse float")

shapes = st.none() | st.lists(st.integers(-1, 3), max_size=3).map(tuple)


@st.composite
def specs(draw: st.DrawFn) -> tuple[TensorSpec, ...]:
    aliases = draw(st.lists(st.sampled_from(ALIASES), unique=True, min_size=1, max_size=3))
    return tuple(TensorSpec(alias, draw(st.sampled_from(DTYPES)), draw(shapes)) for alias in sorted(aliases))


@st.composite
def signatures(draw: st.DrawFn, name: str) -> Signature:
    inputs = draw(specs())
    optional = draw(st.lists(st.sampled_from([each.alias for each in inputs]), unique=True, max_size=2))
    method = draw(st.sampled_from(("tensorflow/serving/predict", "tensorflow/serving/classify", "")))
    return Signature(name, method, inputs, draw(specs()), tuple(sorted(optional)))


@st.composite
def exports(draw: st.DrawFn, names: tuple[str, ...] = SIGNATURES) -> Export:
    chosen = sorted(draw(st.lists(st.sampled_from(names), unique=True, min_size=1, max_size=3)))
    return Export(
        "/models/m",
        draw(st.integers(1, 2**63 - 1)),
        draw(st.sampled_from(("", "sha256:1", "sha256:2"))),
        tuple(draw(signatures(name)) for name in chosen),
        draw(st.sampled_from(("", "1.15.0", "2.18.0", "2.20.1", "2.21.0-rc1"))),
        draw(st.booleans()),
        draw(st.integers(0, 2**40)),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a change is made: a signature, one of its inputs and one of its outputs, by position."""

    signature: int
    input: int
    output: int

    def of(self, export: Export) -> tuple[Signature, TensorSpec, TensorSpec]:
        signature = export.signatures[self.signature % len(export.signatures)]
        inputs, outputs = signature.inputs, signature.outputs
        return signature, inputs[self.input % len(inputs)], outputs[self.output % len(outputs)]


places = st.builds(Place, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))

Change = Callable[[Signature, TensorSpec, TensorSpec], Signature]


def retyped(spec: TensorSpec) -> TensorSpec:
    return replace(spec, dtype="double")


def ranked(spec: TensorSpec) -> TensorSpec:
    """One dimension more; from an open rank to a known one."""
    return replace(spec, shape=(*(spec.shape or ()), -1))


def fixed(spec: TensorSpec) -> TensorSpec:
    """Every dimension at a size that it was not: a fixed one changed, an open one fixed."""
    return replace(spec, shape=tuple(size + 100 for size in spec.shape or ()) or (7,))


def renamed(spec: TensorSpec) -> TensorSpec:
    return replace(spec, alias=f"{spec.alias}_new")


def with_input(change: Callable[[TensorSpec], TensorSpec]) -> Change:
    return lambda signature, spec, _: replace(
        signature, inputs=tuple(change(each) if each == spec else each for each in signature.inputs)
    )


def with_output(change: Callable[[TensorSpec], TensorSpec]) -> Change:
    return lambda signature, _, spec: replace(
        signature, outputs=tuple(change(each) if each == spec else each for each in signature.outputs)
    )


BREAKING: dict[str, Change] = {
    "input removed": lambda signature, spec, _: replace(
        signature, inputs=tuple(each for each in signature.inputs if each != spec)
    ),
    "output removed": lambda signature, _, spec: replace(
        signature, outputs=tuple(each for each in signature.outputs if each != spec)
    ),
    "input added": lambda signature, _spec, _: replace(
        signature, inputs=(*signature.inputs, TensorSpec("mask", "float", (-1,)))
    ),
    "signature renamed": lambda signature, _spec, _: replace(signature, name=f"{signature.name}_new"),
    **{f"input {change.__name__}": with_input(change) for change in (renamed, retyped, ranked, fixed)},
    **{f"output {change.__name__}": with_output(change) for change in (renamed, retyped, ranked, fixed)},
}
