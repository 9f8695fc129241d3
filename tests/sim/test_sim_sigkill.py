"""SIGKILL at every point of a pass that matters, for every kind of action, then start again."""

from collections import Counter
from dataclasses import replace

import pytest

from reconciler.sim import CrashPoint, World, model
from reconciler.sim.ledger import Pages
from reconciler.state.check import Check
from reconciler.state.entry import EntryAction
from reconciler.state.plan import ActionKind

GOLDEN = Check("golden", request='{"instances": [[1.0]]}', expect='{"predictions": [[1.0]]}')
# The moments of a bot's commit: test_sim_rollback.
OF_A_PASS = [each for each in CrashPoint if not each.name.startswith("COMMIT_")]
# A check sends no reload: these moments it does not have.
ON_THE_WIRE = (CrashPoint.RPC_SENT, CrashPoint.ANSWERED, CrashPoint.ANSWER_WRITTEN)
KINDS = [ActionKind.LOAD, ActionKind.LABEL, ActionKind.UNLOAD, ActionKind.ADD_MODEL]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", OF_A_PASS)
@pytest.mark.parametrize("pause", [0.0, 3.0], ids=["at once", "after 3 s"])
def test_reconciler_killed_in_the_middle_of_a_pass_goes_on_from_its_record(
    point: CrashPoint, kind: ActionKind, pause: float
) -> None:
    with World(seed=11) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        world.model_files("other", 1)
        world.commit(model("half", 1, stable=1))
        world.run_until_converged()
        world.crash_at(point, kind)
        world.commit(model("half", 2, stable=2), model("other", 1, stable=1))
        world.run_until_crashed()
        world.run(pause)
        world.start()
        world.run_until_converged(limit=40)
        assert world.serves("gpu-1") == {"half": (2,), "other": (1,)}
        assert world.answers("gpu-1", "other", "stable") == 1
        assert world.lost == []
        assert world.troubles == []


@pytest.mark.parametrize("point", OF_A_PASS)
def test_every_intent_has_its_outcomes_after_a_crash(point: CrashPoint) -> None:
    with World(seed=12) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        world.commit(model("half", 1, stable=1))
        world.run_until_converged()
        world.crash_at(point)
        world.commit(model("half", 2, stable=2))
        world.run_until_crashed()
        world.start()
        world.run_until_converged(limit=40)
        open_actions = [
            (intent.id, index)
            for intent in world.pages.intents
            for index in range(len(intent.body.actions))
            if index not in world.pages.outcomes[intent.id]
        ]
        assert open_actions == []
        assert untold(world.pages) == []


@pytest.mark.parametrize(
    ("point", "kind"),
    [
        *((point, kind) for point in OF_A_PASS for kind in KINDS),
        *((point, ActionKind.CHECK) for point in OF_A_PASS if point not in ON_THE_WIRE),
    ],
)
def test_no_action_is_unaccounted_for_at_the_instant_of_a_crash(point: CrashPoint, kind: ActionKind) -> None:
    with World(seed=14) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        world.model_files("other", 1)
        world.commit(replace(model("half", 1, stable=1), checks=(GOLDEN,)))
        world.run_until_converged()
        world.crash_at(point, kind)
        world.commit(replace(model("half", 2, stable=2), checks=(GOLDEN,)), model("other", 1, stable=1))
        world.run_until_crashed()
        assert untold(world.pages) == []
        world.start()
        world.run_until_converged(limit=60)
        assert untold(world.pages) == []
        assert all(len(world.pages.outcomes[each.id]) == len(each.body.actions) for each in world.pages.intents)


def untold(pages: Pages) -> list[str]:
    """Actions that no line tells of, or that more than one tells the end of, or the wrong one."""
    told: Counter[tuple[int, str, EntryAction]] = Counter()
    for line in pages.entries:
        for part in line.actions:
            told[line.intent, line.kind, replace(part, evidence="", because="")] += 1
    wrong = []
    for intent in pages.intents:
        ended = pages.outcomes[intent.id]
        for index, action in enumerate(intent.body.actions):
            mine = [i for i, each in enumerate(intent.body.actions) if each.model == action.model]
            is_over = all(each in ended for each in mine)
            plain = EntryAction(str(action.kind), action.version, action.label, action.before, check=action.check)
            closed = replace(plain, outcome=str(ended[index].kind)) if is_over else plain
            expected = (1, 1 if is_over else 0)
            if (told[intent.id, "intent", plain], told[intent.id, "outcome", closed]) != expected:
                wrong.append(f"{intent.id}: {action}")
    return wrong


@pytest.mark.parametrize("point", OF_A_PASS)
def test_server_killed_together_with_the_reconciler_is_healed(point: CrashPoint) -> None:
    with World(seed=13) as world:
        world.server("gpu-1")
        world.model_files("half", 1, 2)
        world.commit(model("half", 1, stable=1))
        world.run_until_converged()
        world.crash_at(point, ActionKind.LABEL)
        world.commit(model("half", 2, stable=2))
        world.run_until_crashed()
        world.restart("gpu-1")
        world.start()
        world.run_until_converged(limit=40)
        assert world.serves("gpu-1") == {"half": (2,)}
        assert world.troubles == []
