"""What simulated versions answer to Predict: by a script, per model and version; something sensible by default.

Used by the clients of a `World`. Every way to go wrong that a check must notice can be had for the asking. Deliberately
not here: graphs; an answer is any function of the inputs.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.sim.storage import USUAL
from reconciler.state.export import Signature
from reconciler.state.inference import Heard, Named, Tensor

Answer = Callable[[Named], Named]


def echo(inputs: Named) -> Named:
    """`y` is the first input."""
    return (("y", inputs[0][1]),)


def plus(number: float) -> Answer:
    """`y` is the first input, so much greater."""

    def answer(inputs: Named) -> Named:
        given = inputs[0][1]
        return (("y", Tensor(given.dtype, given.shape, tuple(float(each) + number for each in given.values))),)

    return answer


def constant(dtype: str, *values: bool | int | float | bytes) -> Answer:
    """`y` is this column, whatever is asked."""
    return lambda _: (("y", Tensor(dtype, (len(values), 1), values)),)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a version answers: what, after how long; or with this error. signatures: what it says of itself."""

    answer: Answer = echo
    seconds: float = 0.002
    error: tuple[Heard, str] | None = None
    signatures: tuple[Signature, ...] = USUAL.signatures


@dataclass
class Predictions:
    """The behaviour of every version; `asked` counts predictions by server, model and version."""

    scripted: dict[tuple[str, str, int], Behaviour] = field(default_factory=dict)
    asked: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def script(self, model: str, version: int, behaviour: Behaviour, server: str = "") -> None:
        """From now on that version behaves so; on one server, or on all."""
        self.scripted[server, model, version] = behaviour

    def of(self, server: str, model: str, version: int) -> Behaviour:
        """How that version behaves on that server."""
        return self.scripted.get((server, model, version)) or self.scripted.get(("", model, version)) or Behaviour()
