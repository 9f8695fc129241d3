"""New names: the wait without limit, what ends it, and who stands behind it."""

from __future__ import annotations

from dataclasses import replace

from core_world import CORRUPT, QUICK, World, model, serving

from reconciler.modelserver.core import OK, Code, Latest, ModelConfig, Specific, Status


def unavailable(*named: str, noun: str = "model") -> Status:
    body = "".join(f"{{{each}}}, " for each in named)
    return Status(Code.UNKNOWN, f"{len(named)} {noun}(s) did not become available: {{{body}}}")


BAD = f"{{name: x version: 1}} due to error: {CORRUPT}"


def test_a_new_model_returns_ok_when_it_is_available_a_poll_and_a_load_later() -> None:
    """C26, observed (new)."""
    world = serving(model("a", 1), on_disk={"x": (1,)})
    began = world.now
    assert world.apply(model("a", 1), model("x", 1)) == OK
    assert world.state("x", 1) == "AVAILABLE"
    assert 0.1 <= world.now - began <= 1.3


def test_a_new_model_returns_with_its_first_version_while_others_still_load() -> None:
    """C67."""
    world = serving(on_disk={"m": (1, 2)})
    world.loads("m", 1, seconds=30.0)
    assert world.apply(model("m", 1, 2)) == OK
    assert world.states("m")[2] == "AVAILABLE"
    assert world.states("m")[1] in {"START", "LOADING"}


def test_a_new_model_that_fails_is_unknown_and_all_else_is_applied() -> None:
    """C27, E11; the text is the documented one."""
    world = serving(model("a", 1, labels={"stable": 1}), on_disk={"a": (1, 2), "x": (1,)})
    world.loads("x", 1, status=CORRUPT)
    status = world.apply(model("a", 1, 2, labels={"stable": 1, "s2": 1}), model("x", 1))
    assert status == unavailable(BAD)
    assert status.message == (
        "1 model(s) did not become available: {{{name: x version: 1} due to error: "
        "DATA_LOSS: Can't parse saved_model.pb as binary proto}, }"
    )
    world.run_for(2.0)
    assert world.states("a") == {2: "AVAILABLE", 1: "AVAILABLE"}
    assert world.core.labels_of("a") == {"stable": 1, "s2": 1}
    assert (world.state("x", 1), world.error("x", 1)) == ("END", CORRUPT)


def test_the_same_failed_config_again_is_ok_at_once_though_the_model_is_still_down() -> None:
    """C28, E12; and C29: repairing the files does not help by itself."""
    world = serving(on_disk={"x": (1,)})
    world.loads("x", 1, status=CORRUPT)
    world.apply(model("x", 1))
    assert world.send(model("x", 1)).status == OK
    world.loads("x", 1)
    world.run_for(10.0)
    assert world.state("x", 1) == "END"


def test_a_failed_model_dropped_and_added_again_after_a_second_loads() -> None:
    """C30."""
    world = serving(model("a", 1), on_disk={"x": (1,)})
    world.loads("x", 1, status=CORRUPT)
    world.apply(model("a", 1), model("x", 1))
    world.loads("x", 1)
    world.send(model("a", 1))
    world.run_for(1.0)
    assert world.apply(model("a", 1), model("x", 1)) == OK


def test_a_new_version_directory_heals_a_failed_model_under_latest() -> None:
    """C31."""
    world = serving(on_disk={"x": (1,)})
    world.loads("x", 1, status=CORRUPT)
    world.apply(model("x", policy=Latest()))
    world.disk.add("/models/x", 2)
    world.run_for(2.0)
    assert world.states("x") == {2: "AVAILABLE", 1: "END"}


def test_the_highest_version_decides_even_if_a_lower_one_comes_up_later() -> None:
    """C66."""
    world = serving(on_disk={"m": (1, 4)})
    world.loads("m", 4, status=CORRUPT)
    world.loads("m", 1, seconds=1.0)
    status = world.apply(model("m", 1, 4))
    assert status == unavailable(f"{{name: m version: 4}} due to error: {CORRUPT}")
    assert world.state("m", 1) != "AVAILABLE"
    world.run_for(3.0)
    assert world.state("m", 1) == "AVAILABLE"


def test_nine_good_models_and_a_corrupt_one_give_unknown_and_the_nine_serve() -> None:
    """Observed, last paragraph."""
    names = [f"m{number}" for number in range(9)]
    world = serving(on_disk=dict.fromkeys([*names, "x"], (1,)))
    world.loads("x", 1, status=CORRUPT)
    assert world.apply(*(model(name, 1) for name in [*names, "x"])) == unavailable(BAD)
    assert [world.state(name, 1) for name in names] == ["AVAILABLE"] * 9


def test_a_new_model_without_a_base_path_blocks_for_ever_and_freezes_discovery_for_all() -> None:
    """C32, C33, C34, E8, E9: status and lookups go on; the directory frees everything in order."""
    world = serving(model("a", policy=Latest()), on_disk={"a": (1,)})
    world.run_for(2.0)
    blocked = world.send(model("a", policy=Latest()), model("n", 1))
    queued = world.send(model("a", policy=Latest()))
    world.disk.add("/models/a", 2)
    world.run_for(300.0)
    assert (blocked.done, queued.done) == (False, False)
    assert world.core.get_model_status("n") == Status(Code.NOT_FOUND, "Could not find any versions of model n")
    assert world.states("a") == {1: "AVAILABLE"}
    assert world.asks("a") == 1
    world.disk.add("/models/n", 1)
    world.run_for(3.0)
    assert (blocked.status, queued.status) == (OK, OK)
    assert blocked.finished_at == queued.finished_at
    assert world.states("a") == {2: "AVAILABLE", 1: "END"}
    assert world.states("n") == {1: "END"}


def test_the_missing_base_path_is_in_the_log_once_a_second() -> None:
    """Observed (f), the words of the log."""
    world = serving()
    world.send(ModelConfig("half", "/models/nowhere"))
    world.run_for(10.0)
    texts = [text for _, text in world.logs]
    assert len(texts) in {10, 11}
    assert texts[0].startswith(
        "FileSystemStoragePathSource encountered a filesystem access error: "
        "Could not find base path /models/nowhere for servable half with error NOT_FOUND: "
    )


def test_a_new_model_with_an_empty_base_path_blocks_while_others_are_still_discovered() -> None:
    """C35."""
    world = serving(model("a", policy=Latest()), on_disk={"a": (1,)})
    world.disk.make("/models/e")
    blocked = world.send(model("a", policy=Latest()), model("e", policy=Latest()))
    world.disk.add("/models/a", 2)
    world.run_for(60.0)
    assert not blocked.done
    assert world.states("a") == {2: "AVAILABLE", 1: "END"}


def test_a_new_model_naming_only_a_missing_version_blocks_until_it_appears() -> None:
    """E8, observed (e2)."""
    world = serving(on_disk={"m": (1,)})
    blocked = world.send(model("m", 9))
    world.run_for(60.0)
    assert not blocked.done
    world.disk.add("/models/m", 9)
    assert world.run_until_done(blocked) == OK


def test_a_blocked_reload_ends_with_the_failure_of_what_appears() -> None:
    """Observed (e2): the version that appears loads or fails."""
    world = serving()
    world.disk.make("/models/x")
    blocked = world.send(model("x", 1))
    world.run_for(5.0)
    world.loads("x", 1, status=CORRUPT)
    world.disk.add("/models/x", 1)
    assert world.run_until_done(blocked) == unavailable(BAD)


def test_specific_nothing_for_a_new_model_blocks_for_ever() -> None:
    """Trap 5."""
    world = serving(on_disk={"m": (1,)})
    blocked = world.send(model("m"))
    world.run_for(3600.0)
    assert not blocked.done


def test_specific_nothing_for_an_existing_model_returns_at_once_as_do_all_ways_out_of_it() -> None:
    """Trap 5, second half."""
    world = serving(model("m", 1), on_disk={"m": (1, 4)})
    world.loads("m", 4, status=CORRUPT)
    for versions in ((), (9,), (), (4,), (), (1,)):
        assert world.send(model("m", *versions)).status == OK
        world.run_for(2.0)
    assert world.states("m") == {4: "END", 1: "AVAILABLE"}


def test_an_existing_model_sent_to_a_missing_path_keeps_serving_and_freezes_the_others() -> None:
    """C36, E9; dropping whole models still works, and a good path cures it."""
    world = serving(model("a", 1), model("b", 1), model("c", 1), on_disk={"b": (1, 2)})
    lost = ModelConfig("a", "/models/nowhere", policy=Specific((1,)))
    assert world.send(lost, model("b", 1), model("c", 1)).status == OK
    assert world.send(lost, model("b", 1, 2)).status == OK
    world.run_for(5.0)
    assert (world.states("a"), world.states("b")) == ({1: "AVAILABLE"}, {1: "AVAILABLE"})
    assert world.states("c") == {1: "END"}
    world.send(model("a", 1), model("b", 1, 2))
    world.run_for(2.0)
    assert world.state("b", 2) == "AVAILABLE"


def test_a_reload_queued_behind_a_slow_one_returns_right_after_it() -> None:
    """Observed (l): B returned right after A."""
    world = serving(
        model("a", 1),
        on_disk={"x": (1,)},
        flags=replace(QUICK, max_num_load_retries=2, load_retry_interval_micros=1_500_000),
    )
    world.loads("x", 1, seconds=0.3, status=CORRUPT)
    first = world.send(model("a", 1), model("x", 1))
    world.run_for(0.5)
    second = world.send(model("a", 1))
    assert world.run_until_done(first) == unavailable(BAD)
    assert second.status == OK
    assert first.finished_at == second.finished_at


def test_several_new_models_wait_for_the_slowest() -> None:
    """E36."""
    world = serving(on_disk={"a": (1,), "b": (1,)}, flags=replace(QUICK, num_load_threads=2))
    world.loads("b", 1, seconds=20.0)
    began = world.now
    assert world.apply(model("a", 1), model("b", 1)) == OK
    assert world.now - began > 20.0


def test_dropping_and_adding_a_model_at_once_gives_a_false_unknown_and_the_model_comes_back() -> None:
    """Behaviour 3.8, E16: the listener hears the END of the earlier life."""
    world = serving(model("half", 1))
    world.send()
    assert world.apply(model("half", 1)) == unavailable("{name: half version: 1}")
    world.run_for(2.0)
    assert world.states("half") == {1: "AVAILABLE"}


def test_dropping_and_adding_a_model_at_once_hangs_if_a_poll_comes_before_the_tick() -> None:
    """Behaviour 3.8, E16: the empty wanted-list is overwritten, nothing changes, no event ever comes."""
    world = serving(model("half", 1))
    world.run_until(9.99)
    world.send()
    hung = world.send(model("half", 1))
    later = world.send(model("half", 1))
    world.run_for(600.0)
    assert (hung.done, later.done) == (False, False)
    assert world.asks("half") == 1
    world.disk.remove("/models/half/1")
    world.run_for(2.0)
    assert hung.status == unavailable("{name: half version: 1}")
    assert later.status == OK


def test_a_busy_manager_thread_makes_the_hang_certain() -> None:
    """Behaviour 3.8: inline loads."""
    slow, flags = model("slow", 1, 2), replace(QUICK, num_load_threads=0)
    world = serving(model("half", 1), model("slow", 1), on_disk={"slow": (1, 2)}, flags=flags)
    world.loads("slow", 2, seconds=10.0)
    world.send(model("half", 1), slow)
    world.run_for(2.0)
    assert world.state("slow", 2) == "LOADING"
    gone = world.send(slow)
    hung = world.send(model("half", 1), slow)
    world.run_for(60.0)
    assert gone.done
    assert not hung.done


def test_new_names_are_those_the_source_did_not_have_not_those_the_stored_config_lacked() -> None:
    """Behaviour 3.2 step 8: a refused config does not make a name old."""
    world = serving(model("a", 1), on_disk={"x": (1,)})
    refused = world.send(model("a", 1, labels={"l": 9}), model("x", 1))
    assert refused.status is not None
    assert not refused.status.ok
    assert not world.send(model("a", 1), model("x", 1)).done


def test_twenty_new_models_come_up_one_per_tick() -> None:
    """E26: one action in the whole server per tick, however many threads."""
    names = [f"m{number:02}" for number in range(20)]
    world: World = serving(on_disk=dict.fromkeys(names, (1,)), flags=replace(QUICK, num_load_threads=8))
    began = world.now
    assert world.apply(*(model(name, 1) for name in names)) == OK
    assert 2.0 <= world.now - began <= 3.2


def outcomes(pause: float, again: float = 0.0) -> list[Status | None]:
    """What dropping and adding a model gives at forty moments spread over a poll, ``again`` seconds apart."""
    found = []
    for moment in range(40):
        world = serving(model("half", 1))
        world.run_until(10.0 + moment / 40 + pause)
        world.send()
        world.run_for(again)
        ticket = world.send(model("half", 1))
        world.run_for(30.0)
        found.append(ticket.status)
    return found


def test_dropping_and_adding_a_model_at_once_usually_is_a_false_unknown_and_now_and_then_hangs() -> None:
    """Observed: 62 of 63, and 21 of 24, were UNKNOWN; 1 and 2 hung."""
    found = outcomes(0.001)
    assert set(found) == {unavailable("{name: half version: 1}"), None}
    assert 1 <= found.count(None) <= 4


def test_a_failed_version_is_retried_if_a_poll_fell_between_drop_and_return() -> None:
    """Observed: really retried 3 of 10 at 0.3 s, 5 of 10 at 0.6 s, 10 of 10 from 0.9 s."""
    shares = []
    for pause in (0.3, 0.6, 1.0):
        loaded = 0
        for moment in range(20):
            world = serving(model("m", 1), on_disk={"m": (1, 2)})
            world.loads("m", 2, status=CORRUPT)
            world.send(model("m", 1, 2))
            world.run_until(10.01 + moment / 20)
            world.loads("m", 2)
            world.send(model("m", 1))
            world.run_for(pause)
            world.send(model("m", 1, 2))
            world.run_for(3.0)
            loaded += world.state("m", 2) == "AVAILABLE"
        shares.append(loaded / 20)
    assert shares == [0.3, 0.6, 1.0]
