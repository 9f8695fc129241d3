"""`reconciler status`."""

from typing import TYPE_CHECKING

from reconciler.cli.options import Format, OutputOptions, StateOptions

if TYPE_CHECKING:
    from reconciler.expose.documents import Data


def status(state: StateOptions, output: OutputOptions) -> None:
    """Show what runs where, since when, because of which commit: from the record alone."""
    from reconciler.cli import output as out
    from reconciler.cli import records, verb
    from reconciler.expose import status as statuses
    from reconciler.source import seal

    with records.reading(state.directory()) as ledger:
        found = statuses.rows(ledger.statuses(), ledger.memories())
        good, trouble = ledger.good_commit(), ledger.noted(records.TROUBLE)
        unpublished, unreported = ledger.noted(records.UNPUBLISHED), ledger.noted(records.UNREPORTED)
        beside = records.beside(ledger)
        verified = seal.read(ledger)
    if output.output is not Format.TABLE:
        running = records.kept_up(state.directory())
        conditions: list[Data] = [statuses.condition_document(verified.condition)] if verified is not None else []
        source: dict[str, Data] = {
            "commitInForce": good,
            "trouble": trouble or None,
            "ledgerTrouble": unpublished or None,
            "reportTrouble": unreported or None,
            "serviceRuns": running,
            "conditions": conditions,
        }
        out.emit(output.output, statuses.status_document(found, source))
        return
    signed = statuses.condition_text(verified.condition) if verified is not None and not trouble else ""
    for remark in filter(None, (trouble and f"git: {trouble}", signed, *beside, records.age(state.directory()))):
        verb.say(remark)
    if not found:
        verb.say("The record has no server yet. `reconciler run` or `reconciler apply` makes the first entry.")
        return
    out.table(statuses.status_table(found))
