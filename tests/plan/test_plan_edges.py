"""Every sharp edge of TensorFlow Serving, E1 to E40: a pair of tests on the core, or the place where it is dealt with.

Pairs are named `test_e14_naive_…` (a script's config does the documented damage on the core) and `test_e14_ours_…` (our
passes, sent one by one with belief in between, do not), in test_plan_edges_labels, _models and _versions. These edges
no order of reloads can avoid, or they are kept out before anything is planned:

| edge | why it is no planner's | where it is dealt with |
|---|---|---|
| E22 logging_config | no config of ours can carry it: `state/config.py` has no field | tests/wire |
| E23 loads in line, long retries | flags of the server; the plan warns, the README names them | test_plan_holds |
| E24 vanishing directory stalls loads | operation of the storage | docs/operating.md |
| E25 long requests delay transitions | no wait has a fixed length; it is said as `Unloading` | tests/modelserver/core |
| E26 one action per 100 ms | no wait counts on less; lanes look every 50 to 100 ms | belief/fence.py, loop |
| E30 no metrics per version | measurement at the clients | docs/operating.md |
| E31 REST status inflates counters | everything is asked over gRPC | adapters/serving.py |
| E32 the file poller overrides RPC | refused by the format: one channel | tests/parse |
| E34 whitespace start config | how a server is started: `model_config_list {}` | docs/operating.md, README |
| E35 ports closed until all is up | how a server is started: empty, models come by reload | docs/operating.md, README |
| E39 no order between servers | every server has its own plan | test_plan_properties |
| E40 anyone on the port can reload | network and TLS | docs/operating.md |
"""

import re

import test_plan_edges_labels
import test_plan_edges_models
import test_plan_edges_versions

ELSEWHERE = {int(number) for number in re.findall(r"^\| E(\d+) ", __doc__, re.MULTILINE)}
MODULES = (test_plan_edges_labels, test_plan_edges_models, test_plan_edges_versions)


def edges(side: str) -> set[int]:
    """The edges that have a test of that side."""
    names = [name for module in MODULES for name in vars(module)]
    return {int(found[1]) for name in names if (found := re.match(rf"test_e(\d+)_{side}_", name))}


def test_every_edge_has_a_pair_or_a_place() -> None:
    assert edges("naive") == edges("ours")
    assert edges("ours") | ELSEWHERE == set(range(1, 41))


def test_no_edge_has_both() -> None:
    assert edges("ours") & ELSEWHERE == set()
