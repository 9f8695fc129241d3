"""What a plan should say aloud although nothing holds it: surprises of TensorFlow Serving that no order can prevent.

Called by `plan/road.py`. A warning never changes what is done.
"""

from reconciler.plan.target import Target, Targets
from reconciler.state.desired import DesiredServer
from reconciler.state.observed import Observed


def warnings(server: DesiredServer, observed: Observed, targets: Targets) -> tuple[str, ...]:
    """Sentences about this server's plan, in a stable order."""
    configs = {model.name: model for model in observed.sent.models}
    sentences: list[str | None] = []
    for target in targets.models:
        config = configs.get(target.name)
        new = set(target.versions) - set(config.listed) if config is not None and target.specific else set()
        if new:
            sentences += [_takes_unlabelled_traffic(target, new, observed), _loads_in_line(server, target)]
    return tuple(sentence for sentence in sentences if sentence)


def _takes_unlabelled_traffic(target: Target, new: set[int], observed: Observed) -> str | None:
    """Requests without label and version go to the highest loaded version (rule E38)."""
    serving = observed.model(target.name).proven
    if not serving or max(new) < max(serving):
        return None
    later = f": its checks ({', '.join(check.name for check in target.checks)}) run after that" if target.checks else ""
    return (
        f"{target.name}: requests without a label or version go to version {max(new)} the moment it is loaded; "
        f"no label and no check can shield those clients{later}"
    )


def _loads_in_line(server: DesiredServer, target: Target) -> str | None:
    """Without load threads a load stops every other load and unload of the server (rule E23)."""
    if server.fleet.tf_serving.num_load_threads > 0:
        return None
    return (
        f"{target.name}: this server loads in line (numLoadThreads: 0): no other model's version changes meanwhile; "
        "start it with --num_load_threads=2"
    )
