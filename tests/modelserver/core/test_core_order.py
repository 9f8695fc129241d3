"""In which order models come up: that of libstdc++'s hash table, checked against what a C++ program printed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_world import CORRUPT, QUICK, World, model, serving

from reconciler.modelserver.core import ServerConfig
from reconciler.modelserver.core.unordered import Order, string_hash

DEFAULT_LOADS = replace(QUICK, num_load_threads=0, max_num_load_retries=5, load_retry_interval_micros=60_000_000)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 6142509188972423790),
        ("half", 12773919040290958380),
        ("resnet50", 9699011110261739909),
        ("a-longer-model-name", 12314358950717280089),
        ("mödel", 10955082079173726685),
    ],
)
def test_a_name_hashes_as_in_cpp(text: str, number: int) -> None:
    """``std::hash<std::string>`` of libstdc++ on 64 bits."""
    assert string_hash(text) == number


def test_the_name_that_came_last_is_walked_first() -> None:
    """A bucket that was empty goes to the front of the list."""
    order = Order()
    for name in ("a", "b", "c", "a"):
        order.add(name)
    assert order.names() == ("c", "b", "a")


def test_a_name_is_gone_with_its_last_version_and_comes_back_at_the_front() -> None:
    """As a node of the table."""
    order = Order()
    for name in ("a", "b", "a"):
        order.add(name)
    order.discard("a")
    assert order.names() == ("b", "a")
    order.discard("a")
    order.add("a")
    assert order.names() == ("a", "b")


def test_a_table_that_grew_is_walked_as_in_cpp() -> None:
    """Thirty names m0 … m29 grow it three times, from 1 over 13 and 29 to 59 buckets."""
    order = Order()
    for number in range(30):
        order.add(f"m{number}")
    assert " ".join(order.names()) == (
        "m12 m9 m19 m29 m1 m21 m3 m4 m8 m10 m11 m14 m16 m5 m7 m0 m13 m23 m6 m15 m2 m17 m18 m20 m22 m24 m25 m26 m27 m28"
    )


def accepted(world: World) -> list[str]:
    """Models in the order in which their loads began."""
    return [seen.model for seen in world.history if seen.state.name == "LOADING"]


def test_new_models_load_in_the_reverse_order_of_their_names() -> None:
    """A wanted-list is applied in the order of names, and the table walks them backwards."""
    world = World({"a": (1,), "b": (1,), "c": (1,)})
    world.start(ServerConfig(()))
    world.apply(model("b", 1), model("a", 1), model("c", 1))
    assert accepted(world) == ["c", "b", "a"]


def test_with_default_flags_a_corrupt_model_holds_up_exactly_those_behind_it() -> None:
    """Observed (j): for five minutes; which ones is a matter of the order."""
    world = serving(on_disk={"a": (1,), "bad": (1,), "c": (1,)}, flags=DEFAULT_LOADS)
    world.loads("bad", 1, status=CORRUPT)
    world.send(model("a", 1), model("bad", 1), model("c", 1))
    world.run_for(200.0)
    assert (world.state("c", 1), world.state("bad", 1), world.state("a", 1)) == ("AVAILABLE", "LOADING", "START")
    world.run_for(150.0)
    assert (world.state("bad", 1), world.state("a", 1)) == ("END", "AVAILABLE")
