"""What every `ServingClient` must do, whatever is behind it. A test module inherits it and gives a `Rig`.

The rig holds one server that runs version 1 of model `m` with the label `stable`, has versions 1–3 of `m` and `n` on
its disk, and polls its disk every second of *its* time. Every version takes floats `x` and gives them back as `y`.
"""

from typing import Protocol

from reconciler.ports import ServingClient
from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.inference import Heard, Question, Tensor
from reconciler.state.look import LabelKind, VersionState
from reconciler.state.memory import AnswerKind
from reconciler.state.versions import specific

COLUMN = Tensor("float", (2, 1), (1.0, 2.5))


class Rig(Protocol):
    """A server under a client, and its time."""

    client: ServingClient

    async def passes(self, seconds: float) -> None:
        """Let the server's time pass."""
        ...

    async def kill(self) -> None:
        """End the process; nobody answers any more."""
        ...


def config(*models: ModelConfig) -> ServerConfig:
    return ServerConfig(models)


def listing(name: str, *versions: int, **labels: int) -> ModelConfig:
    return ModelConfig(name, f"/models/{name}", specific(*versions), tuple(sorted(labels.items())))


class ServingContract:
    """Inherit as `class TestMine(ServingContract)` beside a fixture `rig`."""

    async def test_running_server_answers(self, rig: Rig) -> None:
        assert (await rig.client.reach()).answers

    async def test_status_lists_versions_and_knows_no_others(self, rig: Rig) -> None:
        look = await rig.client.status("m")
        assert [(each.version, each.state) for each in look.entries] == [(1, VersionState.AVAILABLE)]
        assert (await rig.client.status("nobody")).entries == ()

    async def test_label_resolves_or_is_undefined(self, rig: Rig) -> None:
        assert (await rig.client.read_label("m", "stable")).resolves_to(1)
        assert (await rig.client.read_label("m", "beta")).kind is LabelKind.UNDEFINED

    async def test_loaded_version_is_proven_and_another_is_not(self, rig: Rig) -> None:
        assert (await rig.client.prove("m", 1)).answered
        other = await rig.client.prove("m", 2)
        assert (other.answered, other.unseen) == (False, "")

    async def test_loaded_version_says_what_it_takes_and_gives(self, rig: Rig) -> None:
        said = await rig.client.signatures("m", 1)
        assert said.heard is Heard.ANSWERED
        (signature,) = said.signatures
        assert [(each.alias, each.dtype) for each in (*signature.inputs, *signature.outputs)] == [
            ("x", "float"),
            ("y", "float"),
        ]

    async def test_loaded_version_answers_by_its_number(self, rig: Rig) -> None:
        answer = await rig.client.predict(Question("m", 1, "", (("x", COLUMN),)), 2.0)
        assert (answer.heard, answer.outputs) == (Heard.ANSWERED, (("y", COLUMN),))
        assert 0 < answer.seconds < 2.0

    async def test_version_that_is_not_loaded_gives_no_verdict(self, rig: Rig) -> None:
        assert (await rig.client.predict(Question("m", 2, "", (("x", COLUMN),)), 2.0)).heard is Heard.LOST
        assert (await rig.client.signatures("m", 2)).heard is Heard.LOST

    async def test_version_added_is_accepted_first_and_available_after_a_poll(self, rig: Rig) -> None:
        answer = await rig.client.reload(config(listing("m", 1, 2, stable=1)))
        assert answer.kind is AnswerKind.ACCEPTED
        await rig.passes(3.0)
        look = await rig.client.status("m")
        assert [(each.version, each.state) for each in look.entries] == [
            (2, VersionState.AVAILABLE),
            (1, VersionState.AVAILABLE),
        ]

    async def test_label_to_a_version_not_loaded_is_refused_in_the_servers_words(self, rig: Rig) -> None:
        answer = await rig.client.reload(config(listing("m", 1, 2, stable=2)))
        assert answer.kind is AnswerKind.REFUSED
        assert "not currently available for inference" in answer.message
        assert (await rig.client.read_label("m", "stable")).resolves_to(1)

    async def test_dropped_version_leaves_its_label_dangling(self, rig: Rig) -> None:
        await rig.client.reload(config(listing("m", 1, 2, stable=1)))
        await rig.passes(3.0)
        await rig.client.reload(config(listing("m", 2, stable=1)))
        await rig.passes(3.0)
        reading = await rig.client.read_label("m", "stable")
        assert (reading.kind, reading.version) == (LabelKind.DANGLES, 1)

    async def test_new_name_that_cannot_load_has_no_answer(self, rig: Rig) -> None:
        answer = await rig.client.reload(config(listing("m", 1, stable=1), listing("n", 9)))
        assert answer.kind is AnswerKind.NONE

    async def test_killed_server_is_an_observation(self, rig: Rig) -> None:
        await rig.client.reach()
        await rig.kill()
        assert not (await rig.client.reach()).answers
        assert (await rig.client.status("m")).unseen
        assert (await rig.client.read_label("m", "stable")).kind is LabelKind.UNSEEN
        assert (await rig.client.prove("m", 1)).unseen
        assert (await rig.client.signatures("m", 1)).heard is Heard.LOST
        assert (await rig.client.predict(Question("m", 1, "", (("x", COLUMN),)), 2.0)).heard is Heard.LOST
