"""`reconciler apply`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.options import Format, OutputOptions, RepositoryOptions, StateOptions

if TYPE_CHECKING:
    from reconciler.adapters.ledger import SqliteLedger
    from reconciler.cli.planfile import Reviewed
    from reconciler.loop.applying import Applied
    from reconciler.state.desired import Desired

Timeout = Annotated[float, typer.Option(min=0.0, help="Seconds until it gives up waiting; what was sent stays.")]
PlanFile = Annotated[
    Path | None, typer.Option("--plan", dir_okay=False, help="Apply exactly this saved plan, or refuse (exit 3).")
]


def apply(
    repository: RepositoryOptions,
    state: StateOptions,
    output: OutputOptions,
    timeout: Timeout = 1800.0,
    plan_file: PlanFile = None,
) -> int:
    """Bring every server to what git says, once, and end when each is there or held.

    Refused while a service runs on the same state directory: that one does the work.
    """
    import asyncio
    import time
    from dataclasses import replace

    from reconciler.cli import planfile, wiring
    from reconciler.cli import repository as repositories
    from reconciler.source import followed, seal
    from reconciler.source.trust import signed

    reviewed = planfile.load(plan_file) if plan_file is not None else None
    directory = state.directory()
    with wiring.writing(directory, "reconciler apply") as ledger:
        source = repositories.mirror(repository, directory)
        head = repositories.head(source, repository, followed.remembered(ledger, source))
        followed.remember(ledger, source, head)
        judged = repositories.verified(source, head, repository, ledger.good_commit())
        wanted = repositories.wanted(source, head, repository.path).desired
        wanted = replace(wanted, commit=signed(wanted.commit, judged.signature))
        baseline = repositories.baseline(source, repository.path, ledger)
        desired = baseline.judged(wanted, keep=False)
        desired = repositories.pins(source, repository.path, ledger).over(desired) or desired
        if reviewed is not None:
            _check(reviewed, desired, directory)
        baseline.judged(wanted)
        seal.put(ledger, wanted.commit, judged, time.time())
        ledger.set_good_commit(desired.commit.id)
        applied = asyncio.run(_converge(desired, ledger, timeout))
        _report(applied, desired, output.output)
        return int(applied.verdict)


def _check(reviewed: "Reviewed", desired: "Desired", directory: Path) -> None:
    import asyncio

    from reconciler import plan as planner
    from reconciler.cli import planfile, planning, wiring

    observed = asyncio.run(wiring.look_at(desired, directory))
    planfile.check(reviewed, planner.plan(desired, observed, planning.freezes(desired)))


async def _converge(desired: "Desired", ledger: "SqliteLedger", timeout: float) -> "Applied":  # noqa: ASYNC109
    from reconciler.cli import progress, wiring
    from reconciler.loop import applying

    async with wiring.connections() as clients:
        with progress.Progress(len(desired.servers)) as shown:
            return await applying.apply(desired, wiring.tools(ledger, clients, shown.tell), timeout)


def _report(applied: "Applied", desired: "Desired", form: Format) -> None:
    from reconciler.cli import output
    from reconciler.expose import applied as results

    found = results.Result(desired.commit, applied.converged, applied.blocked, applied.unfinished, applied.halted)
    if form is Format.TABLE:
        output.show(results.result_text(found))
    else:
        output.emit(form, results.result_document(found))
