"""`reconciler render`."""

from typing import Annotated

import typer

from reconciler.cli.options import ReferenceOptions, RepositoryOptions, StateOptions

Server = Annotated[str, typer.Option("--server", help="fleet/server, or a server's own name where only one has it.")]
Number = Annotated[int | None, typer.Option("--pass", min=1, help="The pass of the plan; default: the final config.")]


def render(
    server: Server,
    repository: RepositoryOptions,
    references: ReferenceOptions,
    state: StateOptions,
    number: Number = None,
) -> None:
    """Print the exact model_config.pbtxt text of one server: the final one, or the one that pass N sends."""
    from reconciler import plan as planner
    from reconciler.cli import output, planning
    from reconciler.cli import repository as repositories
    from reconciler.wire import text

    if number is None:
        source = repositories.for_reading(repository, state.directory())
        commit = repositories.commit_named(source, references.to, repository)
        wanted = repositories.wanted(source, commit, repository.path)
        output.show(text.render(planner.at_rest(planning.server_named(wanted.desired, server)).sent))
        return
    made = planning.make(repository, state, references)
    found = planning.server_named(made.desired, server)
    output.show(text.render(planning.pass_of(made.plan, found.id, number).config))
