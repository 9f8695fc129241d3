"""Plans to render: one that promotes and holds, one with a gap, one with nothing to do; and reviewed renderings."""

import os
from pathlib import Path

from reconciler.expose.outline import Subject
from reconciler.state.check import CheckDue
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.desired import Commit, TransitionPolicy
from reconciler.state.plan import (
    Action,
    ActionKind,
    Choice,
    Difference,
    DifferenceKind,
    Fact,
    FactKind,
    Gap,
    Hold,
    HoldReason,
    MemoryUse,
    Pass,
    PassKind,
    Plan,
    Retained,
    ServerPlan,
)
from reconciler.state.versions import specific

GOLDEN = Path(__file__).parent / "golden"


def same_as_golden(name: str, shown: str) -> bool:
    """Compare with the reviewed file; REWRITE_GOLDEN=1 writes it anew."""
    path = GOLDEN / name
    if os.environ.get("REWRITE_GOLDEN"):
        path.write_text(shown)
    return path.read_text() == shown


COMMIT = Commit("3f2a9c1d04e5b6a7f8091a2b3c4d5e6f70819203", "Ada Lovelace", 1_795_200_000.0, "Promote half to 2")
SUBJECT = Subject(COMMIT, "the servers as observed now")


def config(versions: tuple[int, ...], **labels: int) -> ServerConfig:
    return ServerConfig((ModelConfig("half", "/models/half", specific(*versions), tuple(sorted(labels.items()))),))


LOAD = Action(
    ActionKind.LOAD,
    "half",
    version=2,
    because="git lists 2",
    needs=(Fact(FactKind.FILES_COMPLETE, "half", 2),),
    leads_to=(Fact(FactKind.AVAILABLE, "half", 2),),
)
CHECK = Action(
    ActionKind.CHECK,
    "half",
    version=2,
    because="before stable goes to it",
    needs=(Fact(FactKind.AVAILABLE, "half", 2),),
    leads_to=(Fact(FactKind.CHECKED, "half", 2, check="golden"),),
    check="golden",
)
MOVE = Action(ActionKind.LABEL, "half", version=2, label="stable", before=1, because="git sets stable to 2")
DROP = Action(ActionKind.UNLOAD, "half", version=1, because="git no longer lists 1")

PROMOTE = ServerPlan(
    "eu-gpu/gpu-1",
    differences=(Difference(DifferenceKind.LABEL_WRONG, "half", "2", "1", label="stable"),),
    passes=(
        Pass(1, PassKind.CHANGE, (LOAD,), config((1, 2), stable=1)),
        Pass(2, PassKind.CHECK, (CHECK,), config((1, 2), stable=1)),
        Pass(3, PassKind.CHANGE, (MOVE,), config((1, 2), stable=2)),
        Pass(4, PassKind.CHANGE, (DROP,), config((2,), stable=2)),
    ),
    holds=(
        Hold(
            HoldReason.ARTIFACT_MISSING,
            "fashion",
            "version 7 is not in storage: /models/fashion/7 does not exist",
            "the directory /models/fashion/7, or a commit that names another version",
            version=7,
        ),
    ),
    fingerprint="sha256:aa",
    observed_at=1_795_200_010.0,
    warnings=("half: 2 takes all unlabelled traffic once loaded",),
    retained=(Retained("fashion", 5, 1_795_200_600.0),),
)

RESOURCE = ServerPlan(
    "eu-gpu/gpu-2",
    differences=(Difference(DifferenceKind.VERSION_MISSING, "half", "2", "", version=2),),
    passes=(
        Pass(
            1,
            PassKind.CHANGE,
            (Action(ActionKind.UNLABEL, "half", label="stable", before=1, because="1 must go first"), DROP),
            config(()),
            gaps=(Gap("half", "stable", 4.2, load_known=False, because="policy resource: old out before new in"),),
        ),
    ),
    holds=(
        Hold(
            HoldReason.FENCED,
            "",
            "statuses may be stale",
            "one fence",
            until=1_795_200_012.0,
            progressing=True,
        ),
    ),
    look_again_at=1_795_200_012.0,
    checks=(CheckDue("fashion", 2, "golden", "sha256:c"), CheckDue("fashion", 2, "drift", "sha256:d", against=1)),
    fingerprint="sha256:bb",
    observed_at=1_795_200_010.0,
    memory=MemoryUse(
        budget=42 << 30,
        reserve=2 << 30,
        before=30 << 30,
        peak=39 << 30,
        after=(31 << 30) + (1 << 29),
        unknown=(("ranker", 7),),
        choices=(
            Choice("half", TransitionPolicy.RESOURCE, "old and new take 24 GiB together, and 40 GiB may be used"),
        ),
    ),
)

QUIET = ServerPlan("us-gpu/gpu-3", fingerprint="sha256:cc", observed_at=1_795_200_010.0)

PLAN = Plan(COMMIT.id, (PROMOTE, RESOURCE, QUIET))
EVERY_KIND = Plan(
    COMMIT.id,
    (
        ServerPlan(
            "eu-gpu/gpu-1",
            passes=(
                Pass(
                    1,
                    PassKind.ADD,
                    tuple(
                        Action(kind, "half", version=2, label="stable", before=None, because="every kind")
                        for kind in ActionKind
                    ),
                    config((1, 2), stable=2),
                ),
            ),
        ),
    ),
)
