"""`reconciler acknowledge-rewrite`."""

from reconciler.cli.options import RepositoryOptions, StateOptions


def acknowledge_rewrite(repository: RepositoryOptions, state: StateOptions) -> None:
    """Accept that the branch was rewritten (force-pushed): its new head becomes what is followed.

    Until this is said, a rewritten branch is refused and what was in force stays in force.
    """
    from reconciler.cli import repository as repositories
    from reconciler.cli import verb
    from reconciler.cli.triggers import SyncFile

    directory = state.directory()
    source = repositories.mirror(repository, directory)
    before = source.head()
    after = source.acknowledge_rewrite()
    if before == after:
        verb.say(f"Nothing to acknowledge: {repository.branch} is at {after[:10]}, as known.")
        return
    SyncFile(directory).ask()
    verb.say(f"Accepted: {repository.branch} went from {(before or 'nothing')[:10]} to {after[:10]}.")
