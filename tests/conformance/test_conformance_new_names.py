"""Models that come and go: the wait for a new name, what wakes it, and what it holds up."""

from __future__ import annotations

from dataclasses import replace

from conformance_cases import case
from conformance_world import BLOCKED, POLL, World, garbage

from reconciler.modelserver.core import OK, ServerConfig


@case("C26", "O49")
def test_a_new_model_is_answered_for_when_it_is_available(world: World) -> None:
    a, x = world.model("a", 1), world.model("x").publish(1, seconds=0.5)
    world.serve(a(1))
    sent = world.send(a(1), x(1))
    assert sent.status is None
    assert world.answer(sent) == OK
    assert x.states() == {1: "AVAILABLE"}


@case("C67", "O49")
def test_a_new_model_is_answered_for_when_the_first_of_its_versions_is_available(world: World) -> None:
    x = world.model("x", 2).publish(1, seconds=0.8)
    assert world.reload(x(1, 2)) == OK
    assert x.states()[2] == "AVAILABLE"
    assert x.states()[1] in {"START", "LOADING"}
    x.until({2: "AVAILABLE", 1: "AVAILABLE"})


@case("C27", "C28", "C29", "C30", "O52")
def test_a_new_model_that_fails_is_reported_once_and_stays_failed_until_dropped_and_added(world: World) -> None:
    a, x = world.model("a", 1), world.model("x").publish(1, fault="garbage")
    world.serve(a(1))
    error = garbage(x, 1)
    assert str(world.reload(a(1), x(1))) == x.not_up(1, error=error)
    assert (x.states(), x.error(1), a.asks()) == ({1: "END"}, error, 1)
    sent = world.send(a(1), x(1))
    assert (sent.status, sent.seconds < 0.5) == (OK, True)
    x.repair(1)
    x.stays({1: "END"}, POLL + 0.3)
    assert world.reload(a(1)) == OK
    world.settle()
    assert world.reload(a(1), x(1)) == OK
    assert (x.states(), x.error(1)) == ({1: "AVAILABLE"}, OK)


@case("O52")
def test_what_else_a_reload_with_a_failing_new_model_asks_for_is_done(world: World) -> None:
    a, b, x = world.model("a", 1, 2), world.model("b", 1), world.model("x").publish(1, fault="garbage")
    world.serve(a(1), b(1))
    assert not world.reload(a(1, 2, now=1), x(1)).ok
    a.until({2: "AVAILABLE", 1: "AVAILABLE"})
    b.until({1: "END"})
    assert a.asks(label="now") == 1


@case("C31")
def test_a_good_version_added_to_a_failed_new_model_comes_up(world: World) -> None:
    x = world.model("x").publish(1, fault="garbage")
    assert not world.reload(x.latest()).ok
    x.publish(2)
    x.until({2: "AVAILABLE", 1: "END"})


@case("C66", "O53")
def test_the_first_version_to_end_decides_for_a_new_model_even_if_another_comes_up(world: World) -> None:
    x = world.model("x").publish(1, seconds=0.5).publish(4, fault="garbage")
    assert str(world.reload(x(1, 4))) == x.not_up(4, error=garbage(x, 4))
    x.until({4: "END", 1: "AVAILABLE"})


@case("C32", "C33", "C34", "O50", "O51")
def test_a_new_model_without_its_base_path_holds_up_every_reload_until_it_is_there(world: World) -> None:
    a, n = world.model("a", 1), world.model("n")
    world.serve(a.latest())
    n.remove_base()
    first = world.send(a.latest(), n(1))
    second = world.send(a.latest())
    a.publish(2)
    world.stays(lambda: first.status is None and second.status is None and a.asks() == 1, BLOCKED)
    assert (n.states(), a.states()) == ({}, {1: "AVAILABLE"})
    n.publish(1)
    assert (world.answer(first), world.answer(second)) == (OK, OK)
    a.until({2: "AVAILABLE", 1: "END"})
    n.until({1: "END"})


@case("C35", "O50")
def test_a_new_model_without_a_version_blocks_while_discovery_goes_on(world: World) -> None:
    a, e = world.model("a", 1), world.model("e")
    world.serve(a.latest())
    sent = world.send(a.latest(), e(1))
    a.publish(2)
    a.until({2: "AVAILABLE", 1: "END"})
    world.stays(lambda: sent.status is None, BLOCKED)
    e.publish(1)
    assert world.answer(sent) == OK


@case("O51")
def test_queued_reloads_run_in_order_when_the_block_is_gone(world: World) -> None:
    a, n = world.model("a", 1, 2), world.model("n")
    world.serve(a(1))
    waiting = [world.send(each) for each in (n(1), a(1, now=1), a(1, 2))]
    world.stays(lambda: all(each.status is None for each in waiting), BLOCKED)
    n.publish(1, fault="garbage")
    answers = [str(world.answer(each)) for each in waiting]
    assert answers == [n.not_up(1, error=garbage(n, 1)), a.label_refused(1), "OK"]
    a.until({2: "AVAILABLE", 1: "AVAILABLE"})


@case("C36", "O54", "O55")
def test_a_configured_model_moved_to_a_missing_path_serves_on_and_freezes_discovery(world: World) -> None:
    a, b = world.model("a", 1), world.model("b", 1)
    world.serve(a(1), b.latest())
    nowhere = replace(a(1), base_path=f"{a.base}/nowhere")
    sent = world.send(nowhere, b.latest())
    assert (sent.status, sent.seconds < 0.5) == (OK, True)
    b.publish(2)
    world.stays(lambda: (a.states(), a.asks(), b.states()) == ({1: "AVAILABLE"}, 1, {1: "AVAILABLE"}), POLL + 0.5)
    assert world.reload(a(1), b.latest()) == OK
    b.until({2: "AVAILABLE", 1: "END"})


@case("O55")
def test_while_discovery_is_frozen_models_can_be_dropped_and_new_ones_block(world: World) -> None:
    a, b, n = world.model("a", 1), world.model("b", 1), world.model("n", 1)
    world.serve(a(1), b(1))
    nowhere = replace(a(1), base_path=f"{a.base}/nowhere")
    assert world.reload(nowhere, b(1)) == OK
    assert world.reload(nowhere) == OK
    b.until({1: "END"}, within=1.0 + POLL)
    sent = world.send(nowhere, n(1))
    world.stays(lambda: sent.status is None and n.states() == {}, BLOCKED)
    world.make(f"{a.base}/nowhere/1")
    assert world.answer(sent) == OK


@case("O54", fresh="it reads the server's log")
def test_the_log_names_the_base_path_that_is_missing(world: World) -> None:
    a = world.model("a", 1)
    world.open(a(1))
    nowhere = f"{a.base}/nowhere"
    assert world.reload(replace(a(1), base_path=nowhere)) == OK
    words = (
        "FileSystemStoragePathSource encountered a filesystem access error: "
        f"Could not find base path {nowhere} for servable {a.name} with error NOT_FOUND: "
    )
    world.until(lambda: words in world.log())


@case("C39", "C40", "O46", "O59", "O93")
def test_a_model_left_out_ends_without_a_poll_and_can_be_added_again(world: World) -> None:
    m = world.model("m", 1, 2)
    world.serve(m(1, 2, stable=1))
    assert world.reload() == OK
    assert m.asks(label="stable") == "INVALID_ARGUMENT: Unrecognized servable version label: stable"
    m.until({2: "END", 1: "END"}, within=0.8)
    assert (m.asks(), m.asks(1)) == (m.not_found(), m.not_found(1))
    assert world.reload(m(1, 2)) == OK
    m.until({2: "AVAILABLE", 1: "AVAILABLE"})


@case("O47")
def test_an_empty_list_unloads_everything(world: World) -> None:
    a, b = world.model("a", 1), world.model("b", 1)
    world.serve(a(1), b(1))
    assert world.reload(config=ServerConfig(())) == OK
    world.until(lambda: (a.states(), b.states()) == ({1: "END"}, {1: "END"}), within=0.8)


@case("O48", "C58")
def test_no_list_at_all_is_refused_and_changes_nothing(world: World) -> None:
    m = world.model("m", 1)
    world.serve(m(1, a=1))
    assert str(world.reload(config=ServerConfig(None))) == (
        "INVALID_ARGUMENT: ServerModelConfig type not supported by HandleReloadConfigRequest. "
        "Only ModelConfigList is currently supported"
    )
    m.stays({1: "AVAILABLE"}, POLL + 0.2)
    assert m.asks(label="a") == 1


@case("O57", fresh="now and then the reload hangs for good")
def test_a_model_dropped_and_added_at_once_is_reported_with_its_own_end_and_comes_back(world: World) -> None:
    m = world.model("m", 1)
    world.open(m(1))
    assert world.reload() == OK
    sent = world.send(m(1))
    end = world.now + BLOCKED
    world.until(lambda: sent.status is not None or world.now >= end)
    assert sent.status is None or str(sent.status) in {"OK", m.not_up(1)}
    m.until({1: "AVAILABLE"})


@case("O58", fresh="the reload hangs for good")
def test_a_model_dropped_and_added_while_a_load_occupies_the_server_hangs_the_reload(world: World) -> None:
    m, slow = world.model("m", 1), world.model("slow", 1).publish(2, seconds=3.0)
    world.open(m(1), slow(1))
    assert world.reload(m(1), slow(1, 2)) == OK
    slow.until_state(2, "LOADING")
    assert world.reload(slow(1, 2)) == OK
    sent = world.send(m(1), slow(1, 2))
    slow.until({2: "AVAILABLE", 1: "AVAILABLE"})
    world.stays(lambda: sent.status is None and m.asks() == 1, BLOCKED)
    assert m.states() == {1: "AVAILABLE"}
    assert world.send(m(1), slow(1)).status is None


@case("O94")
def test_of_several_new_models_the_failing_one_is_named_and_the_others_serve(world: World) -> None:
    good = [world.model(f"good{number}", 1) for number in range(3)]
    bad = world.model("bad").publish(1, fault="garbage")
    assert str(world.reload(bad(1), *(each(1) for each in good))) == bad.not_up(1, error=garbage(bad, 1))
    assert [each.states() for each in good] == [{1: "AVAILABLE"}] * 3


@case("O95")
def test_of_several_new_models_a_missing_one_leaves_the_others_serving_and_the_reload_waiting(world: World) -> None:
    good = [world.model(f"good{number}", 1) for number in range(3)]
    missing = world.model("missing")
    sent = world.send(missing(1), *(each(1) for each in good))
    for each in good:
        each.until({1: "AVAILABLE"})
    world.stays(lambda: sent.status is None, BLOCKED)
    missing.publish(1)
    assert world.answer(sent) == OK


@case("O88", fresh="the reload hangs for good")
def test_an_empty_list_of_versions_for_a_new_model_hangs_the_reload(world: World) -> None:
    m = world.model("m", 1)
    world.open()
    sent = world.send(m())
    later = world.send(m(1))
    world.stays(lambda: sent.status is None and later.status is None, BLOCKED)
    assert m.states() == {}


@case("O99", fresh="it is about a restart")
def test_a_restart_forgets_reloads_and_what_ended(world: World) -> None:
    m, n = world.model("m", 1, 2), world.model("n", 1)
    world.open(m(1))
    assert world.reload(m(1, a=1), n(1)) == OK
    assert world.reload(m(2, a=1)) == OK
    m.until({2: "AVAILABLE", 1: "END"})
    world.restart()
    assert (m.states(), n.states()) == ({1: "AVAILABLE"}, {})
    assert m.asks(label="a") == "INVALID_ARGUMENT: Unrecognized servable version label: a"
