"""PURE: `plan(desired, observed)` gives the ordered reloads from observed to desired, and what holds the rest.

effective: what each model shall be → differences → step: what may go now (gates · moves · newcomers · checks) →
forecast: where that leads → road: the whole plan. The rules in words, with their tests: docs/planning.md. What every
pass must satisfy, whoever made it: `invariants.py`. No I/O, no clock, no randomness; "now" is `observed.at`.
"""

from reconciler.plan.fleet import plan
from reconciler.plan.guards import guarded
from reconciler.plan.progress import NOT_YET, Progress, progress
from reconciler.plan.rest import at_rest, reached
from reconciler.plan.road import check_pass, plan_server
from reconciler.plan.target import spec_digest
from reconciler.plan.vetoing import FREE, Vetoes, waits_for_answers
from reconciler.plan.waves import may_begin, takes_turns, vetoes

__all__ = [
    "FREE",
    "NOT_YET",
    "Progress",
    "Vetoes",
    "at_rest",
    "check_pass",
    "guarded",
    "may_begin",
    "plan",
    "plan_server",
    "progress",
    "reached",
    "spec_digest",
    "takes_turns",
    "vetoes",
    "waits_for_answers",
]
