"""PURE: `plan(desired, observed)` gives the ordered reloads from observed to desired, and what holds the rest.

target: what each model shall be → differences → step: what may go now (gates · moves · newcomers) → forecast: where
that leads → road: the whole plan. The rules in words, with their tests: docs/planning.md. What every pass must satisfy,
whoever made it: `invariants.py`. No I/O, no clock, no randomness; "now" is `observed.at`.
"""

from reconciler.plan.rest import at_rest, reached
from reconciler.plan.road import plan, plan_server
from reconciler.plan.target import spec_digest

__all__ = ["at_rest", "plan", "plan_server", "reached", "spec_digest"]
