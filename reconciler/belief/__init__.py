"""What may be believed of a server: the memory that survives between looks, and the view that planning is made from.

TensorFlow Serving cannot be asked for its config, its statuses outlive what they speak of, and a lost answer says
nothing. So every judgement that needs time is made here, once, from looks and our own reloads, and becomes a plain fact
of `Observed`: fenced, going, suspect, proven, wedged, doubted (docs/planning.md explains each word).

A lane begins with `first_contact` or `resumed` and calls, in this order: `questions` → (observe) → `learn` →
`believe` → (plan) → `sending` → (the RPC) → `answered`, and `reached` for models that are wholly converged; `checked`
whenever checks have ended. `believe` takes the memory that `learn` returned for the same look.

Deliberately not here: asking (observe/), deciding (plan/), keeping (adapters/ledger). Everything is a pure function of
values; `now` is an argument.
"""

from reconciler.belief.checks import checked
from reconciler.belief.fence import fence_seconds
from reconciler.belief.learning import learn
from reconciler.belief.life import first_contact, resumed
from reconciler.belief.questions import questions
from reconciler.belief.reloads import answered, departures, forgiven, reached, sending, taken
from reconciler.belief.view import believe

__all__ = [
    "answered",
    "believe",
    "checked",
    "departures",
    "fence_seconds",
    "first_contact",
    "forgiven",
    "learn",
    "questions",
    "reached",
    "resumed",
    "sending",
    "taken",
]
