"""What statuses say of a rollback that git does not show yet: the condition RolledBack."""

from reconciler.propose.facts import Made, State
from reconciler.state.outcome import Notice


def notice(made: Made) -> Notice:
    """The reason and the sentence for a rollback of the spec in force that is on record."""
    commit = made.commit[:10]
    match made.state:
        case State.REFUSED:
            text = f"the last good spec is served; the remote turned down commit {commit} that says so: {made.words}"
            return Notice("PushRefused", text)
        case State.PUSHED if made.branch:
            text = f"the last good spec is served; merge branch {made.branch} (commit {commit}) to have git say so"
            return Notice("Proposed", text)
        case _:
            where = "was pushed and not taken up here yet" if made.state is State.PUSHED else "is about to be pushed"
            return Notice("Reverted", f"the last good spec is served; commit {commit} that has git say so {where}")
