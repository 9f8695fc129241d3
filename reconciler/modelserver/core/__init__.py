"""The pure state machine of the embedded model server: TensorFlow Serving's model lifecycle without any I/O.

Standard library only; no time, randomness, threads or logging: "now" comes in as an argument, disk and loader are the
owner's. ``Core`` is the server; ``VirtualServer`` drives one on a virtual clock. A second server is a second ``Core``.

How a change flows through the modules: a reload (``reload``) is admitted (``admission``), swaps the labels (``labels``)
and updates the source (``discovery``), whose polls tell the manager (``manager``) what is wanted. It moves versions
along their table (``lifecycle``) by loads and unloads (``loading``, ``pool``), publishes on the board (``board``) and
in the lookup table (``table``). Every thread of the original is a generator on one scheduler (``schedule``).
"""

from reconciler.modelserver.core.lifecycle import TRANSITIONS, Stage, mermaid
from reconciler.modelserver.core.ports import (
    Disk,
    Effect,
    Log,
    Published,
    ReadConfigFile,
    StartLoad,
    StartUnload,
    Ticket,
)
from reconciler.modelserver.core.script import Load, LoadPlan, MemoryDisk, Seen, VirtualServer
from reconciler.modelserver.core.server import Core
from reconciler.modelserver.core.values import (
    OK,
    All,
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
    "MemoryDisk",
    "ModelConfig",
    "Policy",
    "Published",
    "ReadConfigFile",
    "Seen",
    "ServerConfig",
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
