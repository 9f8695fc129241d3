"""How long is long enough: the few waits that judgements rest on, in seconds, from how the server was started.

Used by every module of belief. The numbers come from a real server: nothing read within a poll + 0.1 s of a reload
could be believed, poll + 0.2 s was clean over several hundred transitions, and a retry needs 0.9 s at a poll of 1 s.
Deliberately not here: what is judged.
"""

from reconciler.state.desired import DeliveryMode, DesiredServer, TfServing

DOUBT_MARGIN = 2.4
"""A doubt ripens a fence and this after the last change: 4 s at the default poll of 1 s."""

PROOF_MAX_AGE = 60.0
"""Every label is read back at least this often, even where nothing changed."""

PATHS_MAX_AGE = 10.0
"""Storage of a model at rest is looked at this often."""

PATHS_MAX_AGE_RESTLESS = 1.0
"""The same, while another model of the server is not at rest: a neighbour's missing base path would explain why."""

PAGE_MAX_AGE_UNSEEN = 2.0
"""A metrics page that could not be read is tried again so soon, while a server is met for the first time."""

UNNOTICED = 60.0
"""Files may lie in storage so long before a server notices them: NFS caches directories for up to this (acdirmax)."""

GRUDGE = 600.0
"""Rounds of a doubt are kept this long after it last held, so that a flapping cause is not fought for ever."""


def fence_seconds(tf_serving: TfServing) -> float:
    """The fence: within this time of a reload, or of the last LOADING or UNLOADING, statuses may still be stale.

    One directory poll, plus 0.6 s for the manager's 100 ms ticks and the unload that a load may wait for
    (tensorflow_serving/core/aspired_versions_manager.cc, rule E16). A server that polls its config file may take that
    much longer to notice a change.
    """
    return tf_serving.file_system_poll_wait + 0.6 + tf_serving.model_config_file_poll_wait


def fence_of(server: DesiredServer) -> float:
    """The fence of that server."""
    return fence_seconds(server.fleet.tf_serving)


def doubt_seconds(server: DesiredServer) -> float:
    """How long after the last change something may look wrong before it counts: 4 s at default settings."""
    return fence_of(server) + DOUBT_MARGIN


def wedge_seconds(server: DesiredServer) -> float:
    """How long a new name may show no START before the reload that waits for it counts as wedged (rule E8)."""
    return 3 * server.fleet.tf_serving.file_system_poll_wait + 2.0


def load_deadline(server: DesiredServer, model: str) -> float:
    """How long a load of that model may take: its own `loadDeadline`, else the fleet's."""
    wanted = server.model(model)
    own = wanted.transition.load_deadline if wanted else None
    return server.fleet.deadlines.load if own is None else own


def delivered_by_file(server: DesiredServer) -> bool:
    """Whether the server polls a config file: then an accepted config is one that was written, not one applied."""
    return server.fleet.delivery.mode is DeliveryMode.FILE
