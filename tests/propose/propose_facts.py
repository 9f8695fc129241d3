"""Readable facts for the tests of `propose`: one model, its history, and how it stands."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler import propose
from reconciler.propose import Facts, Failed, Spec, Stands
from reconciler.sim import model
from reconciler.state.automation import Automation
from reconciler.state.config import ModelConfig
from reconciler.state.desired import Commit, DesiredModel
from reconciler.state.look import PathFacts, Presence, VersionFiles

NOW = 1_800_000_000.0
AUTO = (("Rollback-Trigger", "auto"),)


def commit(name: str, *trailers: tuple[str, str]) -> Commit:
    return Commit(name * 40, "Ada", NOW - 3600, f"commit {name}", trailers)


def half(automation: Automation, *versions: int, **labels: int) -> DesiredModel:
    return replace(model("half", *versions), labels=tuple(sorted(labels.items())), automation=automation)


def history(*specs: DesiredModel | None, made_by_bots: Sequence[int] = ()) -> tuple[propose.Chapter, ...]:
    """One commit for each, `a` the oldest; the last one given is the newest. made_by_bots: indices of reverts."""
    told: list[tuple[Commit, Spec | None]] = [
        (
            commit(chr(ord("a") + number), *(AUTO if number in made_by_bots else ())),
            propose.spec_of(each) if each is not None else None,
        )
        for number, each in enumerate(specs)
    ]
    return propose.chapters(reversed(told))


def failed(good: DesiredModel | None, *, at_rest: bool = True) -> Failed:
    config = None
    if good is not None:
        config = ModelConfig(good.name, good.base_path, good.policy, good.labels)
    return Failed("CheckFailed", 2, "expected 1, got 2", "sha256:0123456789abcdef", config, at_rest)


def well(
    server: str = "eu/gpu-1", since: float = NOW - 7200, stored: Sequence[int] = (), bad: Sequence[int] = ()
) -> Stands:
    """A server on which all is as git says, with these versions in storage."""
    files = PathFacts("/models/half", Presence.SEEN, tuple(VersionFiles(each) for each in stored))
    return Stands(server, since, stored=files, bad=frozenset(bad))


def facts(wanted: DesiredModel, stands: Sequence[Stands], chapters: tuple[propose.Chapter, ...]) -> Facts:
    return Facts(wanted, chapters[0].last, tuple(stands), chapters, NOW)
