"""What a plan should say aloud although nothing holds it: surprises of TensorFlow Serving that no order can prevent.

Called by `plan/road.py`. A warning never changes what is done.
"""

from reconciler.plan.target import Target, Targets
from reconciler.state.desired import DesiredServer
from reconciler.state.observed import Observed


def warnings(server: DesiredServer, observed: Observed, targets: Targets) -> tuple[str, ...]:
    """Sentences about this server's plan, in a stable order."""
    return tuple(
        sentence
        for target in targets.models
        for sentence in (_takes_unlabelled_traffic(target, observed), _loads_in_line(server, target, observed))
        if sentence
    )


def _new_versions(target: Target, observed: Observed) -> set[int]:
    config = observed.sent.model(target.name)
    return set(target.versions) - set(config.listed) if config is not None and target.specific else set()


def _takes_unlabelled_traffic(target: Target, observed: Observed) -> str | None:
    """Requests without label and version go to the highest loaded version (rule E38)."""
    new = _new_versions(target, observed)
    serving = observed.model(target.name).proven
    if not new or not serving or max(new) < max(serving):
        return None
    later = f": its checks ({', '.join(check.name for check in target.checks)}) run after that" if target.checks else ""
    return (
        f"{target.name}: requests without a label or version go to version {max(new)} the moment it is loaded; "
        f"no label and no check can shield those clients{later}"
    )


def _loads_in_line(server: DesiredServer, target: Target, observed: Observed) -> str | None:
    """Without load threads a load stops every other load and unload of the server (rule E23)."""
    if server.fleet.tf_serving.num_load_threads > 0 or not _new_versions(target, observed):
        return None
    return (
        f"{target.name}: this server loads in line (numLoadThreads: 0): no other model's version changes meanwhile; "
        "start it with --num_load_threads=2"
    )
