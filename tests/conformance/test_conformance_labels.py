"""Labels: what they may point at, when they move, and how they come to point at nothing."""

from __future__ import annotations

from conformance_cases import ALLOW, case
from conformance_world import World

from reconciler.modelserver.core import ServerConfig


@case("C13")
def test_labels_of_loaded_versions_are_set_with_the_return_of_the_reload(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2))
    assert world.reload(m(1, 2, a=1, b=2)).ok
    assert (m.asks(label="a"), m.asks(label="b")) == (1, 2)


@case("C14")
def test_a_label_moved_to_a_version_that_is_not_there_is_refused_and_stays(world: World) -> None:
    m = world.model("m", 1)
    world.serve(m(1, a=1))
    assert str(world.reload(m(1, a=9))) == m.label_refused(9)
    assert m.asks(label="a") == 1


@case("C21", flags=ALLOW)
def test_with_the_allow_flag_a_new_label_may_point_at_an_absent_version(world: World) -> None:
    m = world.model("m", 1)
    world.serve(m(1, s=1))
    assert world.reload(m(1, s=1, c=2)).ok
    assert m.asks(label="c") == m.not_found(2)


@case("C24", fresh="it is about a start")
def test_labels_in_the_start_config_end_the_process(world: World) -> None:
    m = world.model("m", 1)
    world.start(ServerConfig((m(1, stable=1),)))
    world.until(lambda: world.last_words() is not None)
    assert world.last_words() == f"Failed to start server. Error: {m.label_refused(1)}"
