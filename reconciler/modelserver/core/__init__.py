"""The pure state machine of the embedded model server: TensorFlow Serving's model lifecycle without any I/O.

Standard library only; no time, randomness, threads or logging: "now" comes in as an argument, disk and loader are the
owner's. ``Core`` is the server; ``VirtualServer`` drives one on a virtual clock. A second server is a second ``Core``.

How a change flows through the modules: a reload (``reload``) is admitted (``admission``), swaps the labels (``labels``)
and updates the source (``discovery``), whose polls of the disk (``looking``) tell the manager (``manager``) what is
wanted. It chooses (``policies``, ``unordered``) and moves versions along their table (``lifecycle``) by loads and
unloads (``loading``, ``pool``), publishes on the board (``board``) and in the lookup table (``table``). Every thread of
the original is a generator on one scheduler (``schedule``); what only the owner can do is asked for (``desk``).
``VirtualServer`` (``script``, ``memory``) is a whole server on a virtual clock.
"""

from reconciler.modelserver.core.lifecycle import TRANSITIONS, Stage, mermaid
from reconciler.modelserver.core.looking import Disk, Look, Measure, Sight
from reconciler.modelserver.core.memory import MemoryDisk
from reconciler.modelserver.core.ports import (
    Effect,
    Log,
    Published,
    ReadConfigFile,
    StartLoad,
    StartUnload,
    Ticket,
)
from reconciler.modelserver.core.script import Load, LoadPlan, Seen, VirtualServer
from reconciler.modelserver.core.server import Core
from reconciler.modelserver.core.values import (
    OK,
    All,
    AspiredVersionPolicy,
    Code,
    Flags,
    Latest,
    Lease,
    LoadKey,
    ModelConfig,
    Policy,
    ServerConfig,
    Specific,
    Status,
    VersionState,
    VersionStatus,
)

__all__ = [
    "OK",
    "TRANSITIONS",
    "All",
    "AspiredVersionPolicy",
    "Code",
    "Core",
    "Disk",
    "Effect",
    "Flags",
    "Latest",
    "Lease",
    "Load",
    "LoadKey",
    "LoadPlan",
    "Log",
    "Look",
    "Measure",
    "MemoryDisk",
    "ModelConfig",
    "Policy",
    "Published",
    "ReadConfigFile",
    "Seen",
    "ServerConfig",
    "Sight",
    "Specific",
    "Stage",
    "StartLoad",
    "StartUnload",
    "Status",
    "Ticket",
    "VersionState",
    "VersionStatus",
    "VirtualServer",
    "mermaid",
]
