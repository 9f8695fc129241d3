"""Readable builders of the documents that end-to-end tests commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]

API = "reconciler.tfserving/v1alpha1"
FLEET = "eu"
STARTED_WITH = {
    "version": "2.20",
    "fileSystemPollWaitSeconds": 1,
    "numLoadThreads": 2,
    "numUnloadThreads": 1,
    "maxNumLoadRetries": 0,
    "loadRetryInterval": "100ms",
}
"""How the model servers of these tests are started; see `e2e_servers.FLAGS`."""


def fleet(addresses: Mapping[str, str], storage: Path, **spec: Any) -> Document:
    """The fleet of all servers, by name; further fields of its spec replace what is here."""
    servers = [{"name": name, "grpc": address} for name, address in addresses.items()]
    usual = {
        "tfServing": dict(STARTED_WITH),
        "storage": [{"serverPath": str(storage), "url": storage.as_uri()}],
        "deadlines": {"status": "2s", "reload": "5s", "load": "60s", "unload": "60s"},
        "adopt": "replace",
        "servers": servers,
    }
    return {"apiVersion": API, "kind": "Fleet", "metadata": {"name": FLEET}, "spec": usual | spec}


@dataclass(frozen=True, slots=True)
class Model:
    """A model whose versions lie below a base path."""

    name: str
    base_path: Path

    def at(
        self,
        *versions: int,
        policy: str = "availability",
        checks: Sequence[Document] = (),
        **labels: int,
    ) -> Document:
        """What git shall say of it: these versions, these labels; a label goes nowhere before these checks."""
        transition: Document = {"policy": policy}
        if policy == "resource":
            transition["allowDowntime"] = True
        spec = {
            "placement": [{"fleet": FLEET}],
            "basePath": str(self.base_path),
            "versions": {"specific": [*versions]},
            "labels": labels,
            "transition": transition,
            "retry": {"limit": 1},
        } | ({"checks": [*checks]} if checks else {})
        return {"apiVersion": API, "kind": "Model", "metadata": {"name": self.name}, "spec": spec}


def file_name(document: Document) -> str:
    """Where in the repository a document lies."""
    return f"{document['kind'].lower()}s/{document['metadata']['name']}.yaml"


def text(document: Document) -> str:
    """The document as YAML."""
    return str(yaml.safe_dump(document, sort_keys=False))
