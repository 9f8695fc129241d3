"""Which version of a model is loaded or unloaded next: the two policies of TensorFlow Serving, as pure functions.

Each looks at one model's versions as the manager holds them and names at most one: a READY one is to be unloaded, a
NEW one to be loaded. As tables, first line that applies:

availability-preserving (the old serves until the new is up; both are in memory for a while)
    ======================================================================  ===========================================
    an unwanted version is READY, and nothing is wanted                     unload the lowest such
    an unwanted version is READY, and a wanted one is READY                 unload the lowest such
    more than one unwanted version is READY                                 unload the lowest such
    a wanted version is NEW                                                 load the highest such
    ======================================================================  ===========================================

resource-preserving (the old goes before the new comes; nothing serves in between)
    ======================================================================  ===========================================
    an unwanted version is READY                                            unload the first such
    an unwanted version is neither DISABLED nor ERROR                       nothing: wait until it is gone
    a wanted version is NEW                                                 load the highest such
    ======================================================================  ===========================================

``tensorflow_model_server`` has no flag for this: ``model_servers/server.cc`` builds every server with the first policy.
The second is for programs around the library, and for simulating them (``Flags.aspired_version_policy``).

Source: ``core/availability_preserving_policy.cc``, ``core/resource_preserving_policy.cc``,
``core/aspired_version_policy.cc``. Used by the manager.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from reconciler.modelserver.core.lifecycle import Held, Stage
from reconciler.modelserver.core.values import AspiredVersionPolicy

Versions = Mapping[int, Held]
Choice = Callable[[Versions], Held | None]
_GONE = frozenset({Stage.DISABLED, Stage.ERROR})


def availability_preserving(versions: Versions) -> Held | None:
    """A lone old version stays up as long as no wanted one came up, however long that is: so it can wedge."""
    retired = _retired(versions)
    if retired:
        wanted = [held for held in versions.values() if held.wanted]
        if not wanted or len(retired) > 1 or any(held.stage is Stage.READY for held in wanted):
            return versions[min(retired)]
    return _highest_new(versions)


def resource_preserving(versions: Versions) -> Held | None:
    """Nothing is loaded while anything unwanted is left, be it loading or leaving."""
    retired = _retired(versions)
    if retired:
        return versions[retired[0]]
    if any(not held.wanted and held.stage not in _GONE for held in versions.values()):
        return None
    return _highest_new(versions)


CHOICES: dict[AspiredVersionPolicy, Choice] = {
    AspiredVersionPolicy.AVAILABILITY_PRESERVING: availability_preserving,
    AspiredVersionPolicy.RESOURCE_PRESERVING: resource_preserving,
}


def next_action(choices: Iterable[Held | None]) -> Held | None:
    """The first unload any model's policy asks for, else the first load: one action in the whole server per tick."""
    load = None
    for choice in choices:
        if choice is not None and choice.stage is Stage.READY:
            return choice
        load = load or choice
    return load


def _retired(versions: Versions) -> list[int]:
    return [number for number, held in versions.items() if not held.wanted and held.stage is Stage.READY]


def _highest_new(versions: Versions) -> Held | None:
    new = [number for number, held in versions.items() if held.wanted and held.stage is Stage.NEW]
    return versions[max(new)] if new else None
