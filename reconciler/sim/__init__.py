"""Composition 1: the real loop on a virtual clock, with servers made of the model server's core, that can misbehave.

For tests, for `scripts`, and for whoever wants to see what a commit would do. Everything is seeded and nothing sleeps:
equal scripts give equal histories. Deliberately not here: git and YAML (commits are given as values), TensorFlow.
"""

from reconciler.sim.crash import CrashPoint
from reconciler.sim.world import World, model

__all__ = ["CrashPoint", "World", "model"]
