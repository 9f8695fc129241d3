"""What an unlucky look, a rename or a frozen discovery must not cost: each was once a plan that would have cost it."""

from dataclasses import replace

from builders import (
    FLEET,
    at,
    going,
    lines,
    listing,
    loading,
    model,
    next_lines,
    planned,
    reading,
    reasons,
    seen,
    server,
    stored,
)

from reconciler.state.look import Presence, VersionState
from reconciler.state.observed import ObservedVersion
from reconciler.state.versions import Latest

PRUNING = replace(FLEET, prune=True)
UNPROVEN = ObservedVersion(1, VersionState.AVAILABLE, listed=True)


def test_a_labelled_version_that_once_gave_no_answer_keeps_its_label_and_holds_the_server() -> None:
    before, after = (
        server(model("a", (1,), stable=1), model("b", (1,))),
        server(model("a", (1,), stable=1), model("b", (1, 2))),
    )

    plan = planned(after, seen(at(before, after), "a", UNPROVEN))

    assert (next_lines(plan), reasons(plan), plan.blocked) == ([], {"Unproven"}, False)
    assert lines(plan) == ["1 load b 2"]


def test_a_label_that_reads_as_dangling_is_left_out_even_though_its_version_says_available() -> None:
    before, after = server(model("a", (1, 2), stable=1)), server(model("a", (2,), stable=2))
    observed = reading(seen(at(before, after), "a", UNPROVEN), "a", "stable", None)

    assert next_lines(planned(after, observed)) == ["label a stable 1>2"]


def test_out_of_the_wedge_the_label_stays_on_the_unlisted_version_until_its_replacement_is_proven() -> None:
    after = server(model("a", (3,), stable=3), model("b", (1, 2)))
    before = server(model("a", (1,), stable=1), model("b", (1,)))
    observed = listing(at(before, after), "a", 3, stable=1)
    observed = seen(observed, "a", replace(going(1), proven=False), loading(3))

    plan = planned(after, observed)

    assert next_lines(plan) == ["load b 2"]
    assert plan.passes[0].config.models[0].labels == (("stable", 1),)


def test_the_only_model_of_a_server_goes_after_the_one_that_replaces_it() -> None:
    before = server(model("old", (1,), stable=1), fleet=PRUNING)
    after = server(model("new", (1,), stable=1), fleet=PRUNING)

    plan = planned(after, at(before, after))

    assert lines(plan) == ["1 addModel new 1", "2 removeModel old", "2 label new stable ->1"]


def test_the_only_model_of_a_server_stays_while_the_one_that_replaces_it_is_missing() -> None:
    before, after = server(model("old", (1,)), fleet=PRUNING), server(model("new", (1,)), fleet=PRUNING)

    plan = planned(after, stored(at(before), "/models/new"))

    assert (plan.passes, reasons(plan)) == ((), {"ArtifactMissing", "ChangesFirst"})


def test_nobody_is_given_the_choice_of_versions_while_discovery_is_frozen() -> None:
    before, after = server(model("a", (1,)), model("lost", (1,))), server(model("a", Latest(1)), model("lost", (1,)))
    observed = stored(at(before, after), "/models/lost", presence=Presence.MISSING)

    plan = planned(after, observed)

    assert (plan.passes, reasons(plan)) == ((), {"DiscoveryFrozen"})
