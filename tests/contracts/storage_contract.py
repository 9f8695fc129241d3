"""What every `VersionStore` must do. A test module gives a `StoreRig` and inherits `StorageContract`.

The rig's server sees `/models`; `publish` puts a complete export there, `spoil` takes its variables away. Its store
counts a directory as written as soon as it is seen.
"""

from typing import Protocol

from reconciler.ports import VersionStore
from reconciler.state.desired import DesiredServer
from reconciler.state.export import DEFAULT_SIGNATURE
from reconciler.state.look import Presence


class StoreRig(Protocol):
    """A store, a server that has it mapped, and hands to change what lies in it."""

    store: VersionStore
    server: DesiredServer

    def publish(self, base_path: str, version: int) -> None:
        """Put a complete export there."""
        ...

    def spoil(self, base_path: str, version: int) -> None:
        """Take the variables of an export away."""
        ...

    def withdraw(self, base_path: str, version: int) -> None:
        """Take a whole version away; its base path stays."""
        ...


class StorageContract:
    """Inherit beside a fixture `rig`."""

    async def test_published_versions_are_complete_ascending_and_fingerprinted(self, rig: StoreRig) -> None:
        rig.publish("/models/m", 2)
        rig.publish("/models/m", 1)
        facts = await rig.store.facts(rig.server, "/models/m")
        assert (facts.base_path, facts.presence) == ("/models/m", Presence.SEEN)
        assert [(each.version, each.complete, bool(each.fingerprint)) for each in facts.versions] == [
            (1, True, True),
            (2, True, True),
        ]

    async def test_spoiled_version_lacks_something_and_has_no_fingerprint(self, rig: StoreRig) -> None:
        rig.publish("/models/m", 1)
        rig.spoil("/models/m", 1)
        (found,) = (await rig.store.facts(rig.server, "/models/m")).versions
        assert (found.complete, found.fingerprint) == (False, "")

    async def test_withdrawn_version_is_gone_at_the_next_question(self, rig: StoreRig) -> None:
        rig.publish("/models/m", 1)
        rig.publish("/models/m", 2)
        await rig.store.facts(rig.server, "/models/m")
        rig.withdraw("/models/m", 1)
        facts = await rig.store.facts(rig.server, "/models/m")
        assert [each.version for each in facts.versions] == [2]

    async def test_base_path_that_is_not_there_is_missing(self, rig: StoreRig) -> None:
        rig.publish("/models/m", 1)
        assert (await rig.store.facts(rig.server, "/models/none")).presence is Presence.MISSING

    async def test_export_says_what_the_version_promises(self, rig: StoreRig) -> None:
        rig.publish("/models/m", 1)
        (files,) = (await rig.store.facts(rig.server, "/models/m")).versions
        export = await rig.store.export(rig.server, "/models/m", 1)
        assert (export.base_path, export.version, export.problem) == ("/models/m", 1, "")
        assert [each.name for each in export.signatures] == [DEFAULT_SIGNATURE]
        assert (export.fingerprint, export.size) == (files.fingerprint, files.size)

    async def test_export_of_a_spoiled_version_has_no_fingerprint(self, rig: StoreRig) -> None:
        rig.publish("/models/m", 1)
        rig.spoil("/models/m", 1)
        assert (await rig.store.export(rig.server, "/models/m", 1)).fingerprint == ""

    async def test_export_that_was_withdrawn_has_a_problem(self, rig: StoreRig) -> None:
        rig.publish("/models/m", 1)
        rig.publish("/models/m", 2)
        await rig.store.export(rig.server, "/models/m", 2)
        rig.withdraw("/models/m", 2)
        assert "does not exist" in (await rig.store.export(rig.server, "/models/m", 2)).problem

    async def test_export_outside_every_mapping_has_a_problem(self, rig: StoreRig) -> None:
        assert (await rig.store.export(rig.server, "/elsewhere/m", 1)).problem

    async def test_path_outside_every_mapping_is_unseen_with_a_reason(self, rig: StoreRig) -> None:
        facts = await rig.store.facts(rig.server, "/elsewhere/m")
        assert facts.presence is Presence.UNSEEN
        assert facts.detail
