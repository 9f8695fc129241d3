"""Fleets of any size as values, without a repository: what planning and looking are measured with."""

from reconciler.state.desired import Commit, Deadlines, Desired, DesiredModel, DesiredServer, Fleet, StorageMapping
from reconciler.state.versions import specific

SERVERS = 1_000
MODELS = 20


def model(number: int, version: int) -> DesiredModel:
    """A model that serves one version under the label `stable`."""
    name = f"model-{number:03}"
    return DesiredModel(name, name, f"/models/{name}", specific(version), (("stable", version),))


def fleet(storage: str = "") -> Fleet:
    """One fleet; `storage` is the folder that the servers see as /models."""
    mappings = (StorageMapping("/models", f"file://{storage}"),) if storage else ()
    return Fleet("bench", storage=mappings, deadlines=Deadlines(status=30.0), allow_unseen_storage=not storage)


def desired(version: int, addresses: tuple[str, ...] = ("localhost:1",), servers: int = SERVERS) -> Desired:
    """Every server with every model at one version, spread over the addresses."""
    models = tuple(model(number, version) for number in range(MODELS))
    each = tuple(
        DesiredServer(fleet(), f"s{number:04}", addresses[number % len(addresses)], models=models)
        for number in range(servers)
    )
    return Desired(Commit(f"{version:040}", subject=f"everything to {version}"), each)
