"""Models that a server holds and git no longer names: which stay, and why.

Called by `plan/target.py`. The fleet decides (`prune`), unless the last Model document that placed the model here said
otherwise; that wish is remembered with the server, because a document that is gone cannot say anything. What may go and
must not begin to go now stays too, as does the last model of a server, unless the commit consents.
"""

from collections.abc import Sequence

from reconciler.plan.vetoing import Vetoes, removal
from reconciler.state.desired import Commit, DesiredServer, Prune
from reconciler.state.observed import Observed
from reconciler.state.plan import Hold, HoldReason


def kept(
    commit: Commit, server: DesiredServer, observed: Observed, names: Sequence[str], vetoes: Vetoes
) -> dict[str, Hold]:
    """Those of the names that stay, each with the hold that says why."""
    stay = {name: hold for name in names if (hold := _guard(server, observed, name) or vetoes.get(removal(name)))}
    if stay or server.models or commit.prunes_all:
        return stay
    emptying = Hold(
        HoldReason.EMPTYING_GUARD,
        "",
        "removing it would leave this server without any model",
        "the trailer `Model-Prune: all` in the message of the commit in force",
    )
    return dict.fromkeys(names, emptying)


def _guard(server: DesiredServer, observed: Observed, name: str) -> Hold | None:
    wish = observed.wish(name)
    if server.prunes(wish):
        return None
    if wish is Prune.FORBID:
        return Hold(
            HoldReason.PRUNE_GUARD,
            "",
            "no Model document places it on this server any more, but the last one that did says `prune: forbid`",
            "a Model document that names it again; to have it removed, one that says `prune: allow` and then goes",
        )
    return Hold(
        HoldReason.PRUNE_GUARD,
        "",
        "no Model document places it on this server any more, but the fleet does not prune",
        f"`prune: true` in Fleet {server.fleet.name}, or a Model document that names it again",
    )
