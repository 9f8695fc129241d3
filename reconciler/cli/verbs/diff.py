"""`reconciler diff`."""

from typing import TYPE_CHECKING

from reconciler.cli.options import Format, OutputOptions, ReferenceOptions, RepositoryOptions, StateOptions

if TYPE_CHECKING:
    from reconciler.cli.planning import Made
    from reconciler.expose.documents import Data
    from reconciler.state.desired import DesiredServer

SAME, DIFFERS, TROUBLE = 0, 1, 2


def diff(
    repository: RepositoryOptions, references: ReferenceOptions, state: StateOptions, output: OutputOptions
) -> int:
    """Show in what the servers differ from git, or one commit from another (--from, --to).

    Ends like diff(1): 0 the same, 1 something differs, 2 trouble, which includes a server that could not be seen.
    """
    from reconciler.cli import planning
    from reconciler.cli.verb import say
    from reconciler.errors import ReconcilerError

    try:
        made = planning.make(repository, state, references)
    except ReconcilerError as error:
        say(f"Error: {error}")
        return TROUBLE
    return _show(made, output.output)


def _show(made: "Made", form: Format) -> int:
    from reconciler.cli import output

    texts = {server.id: _unified(made, server) for server in made.desired.servers}
    if form is Format.TABLE:
        output.show("".join(texts.values()))
    else:
        output.emit(form, _document(made, texts))
    if any(not observed.reach.answers for observed in made.observed.values()):
        return TROUBLE
    return DIFFERS if any(texts.values()) else SAME


def _unified(made: "Made", server: "DesiredServer") -> str:
    from reconciler.expose import diff as differ

    before = differ.found_lines(made.observed[server.id])
    after = differ.wanted_lines(server)
    found = "as observed" if made.base is None else f"at {made.base.commit.short}"
    return differ.unified(server.id, (found, before), (f"at {made.desired.commit.short}", after))


def _document(made: "Made", texts: dict[str, str]) -> "dict[str, Data]":
    from reconciler.expose import documents

    return documents.envelope(
        "Diff",
        {
            "commit": made.desired.commit.id,
            "basis": made.subject.basis,
            "servers": [
                {
                    "server": each.server,
                    "reachable": made.observed[each.server].reach.answers,
                    "differences": [documents.difference_document(one) for one in each.differences],
                    "unified": texts.get(each.server, ""),
                }
                for each in made.plan.servers
            ],
        },
    )
