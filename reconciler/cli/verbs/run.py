"""`reconciler run`."""

from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.options import LogOptions, PublishOptions, RepositoryOptions, StateOptions, StatusOptions

if TYPE_CHECKING:
    from reconciler.cli.publishing import Name
    from reconciler.cli.reporting import Reports

Interval = Annotated[
    float,
    typer.Option(min=0.1, envvar="RECONCILER_INTERVAL", help="Seconds between two questions to the git host."),
]
Observe = Annotated[
    float,
    typer.Option(min=0.1, envvar="RECONCILER_OBSERVE_INTERVAL", help="Seconds between two looks at an idle server."),
]

Publish = Annotated[
    bool,
    typer.Option(
        "--publish-ledger",
        envvar="RECONCILER_PUBLISH_LEDGER",
        rich_help_panel="The published ledger",
        help="Push the ledger to a ref of its own in the repository's remote; the credentials must allow that.",
    ),
]


Bots = Annotated[
    bool,
    typer.Option(
        "--bots",
        envvar="RECONCILER_BOTS",
        help="Let it commit and push what models ask for: onFailure, promotion, discover.",
    ),
]


def run(  # noqa: PLR0913, PLR0917 - one parameter per option
    repository: RepositoryOptions,
    state: StateOptions,
    logs: LogOptions,
    status: StatusOptions,
    ledger: PublishOptions,
    interval: Interval = 60.0,
    observe_interval: Observe = 10.0,
    bots: Bots = False,
    publish_ledger: Publish = False,
) -> int:
    """Keep every server as git says, until told to stop: the service.

    SIGTERM and Ctrl-C end it within five seconds; a reload under way stays on record and is taken up at the next start.
    """
    from reconciler.cli import service

    reports = _reports(status, repository) if status.given else None
    rhythm = service.Rhythm(interval, observe_interval)
    publish = _name(status.instance, ledger.ledger_refs) if publish_ledger else None
    manner = service.Manner(logs.log_format, rhythm, reports, bots, publish)
    return service.serve(repository, state.directory(), manner)


def _name(instance: str, refs: str) -> "Name":
    from reconciler.cli import publishing

    return publishing.Name(instance, refs)


def _reports(status: StatusOptions, repository: RepositoryOptions) -> "Reports | None":
    from reconciler.cli import reporting

    return reporting.from_environment(status, repository.address)
