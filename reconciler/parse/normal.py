"""A well-shaped document → values: defaults filled in, durations in seconds, versions as numbers, order ascending.

Called by `files.py` after `shape.check` found nothing. Defaults are those of `state/desired.py`; the schemas only tell
them to editors, and a test holds the two together. Deliberately not here: judging anything.
"""

import calendar
import re
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.parse.documents import CheckEntry, FleetDocument, Labels, ModelDocument, Placement, ServerEntry
from reconciler.parse.nodes import Node
from reconciler.state.automation import Automation, Discover, OnFailure, Promotion, Via
from reconciler.state.check import Check, CheckKind, Tolerance
from reconciler.state.desired import (
    Accepted,
    Adopt,
    BlastRadius,
    Connection,
    Deadlines,
    Delivery,
    DeliveryMode,
    DesiredModel,
    Drift,
    Fleet,
    MemoryBudget,
    Place,
    Preflight,
    Prune,
    Retry,
    Rollout,
    SecretRef,
    StorageMapping,
    Suspend,
    TfServing,
    Transition,
    TransitionPolicy,
    Wave,
    Window,
    WindowKind,
)
from reconciler.state.versions import All, Latest, VersionPolicy, specific

_SIZE = re.compile(r"([0-9]+)(?:\.([0-9]+))?([KMGT]?)(i?)B?")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?"
    r"(?:Z|(?P<sign>[+-])(?P<hours>[0-9]{2}):(?P<minutes>[0-9]{2}))"
)
_PARTS = re.compile(r"([0-9]+)(h|ms|m|s)")


def seconds(duration: str) -> float:
    """`1h30m` → 5400.0. The form was checked before."""
    return float(sum(int(number) * _UNITS[unit] for number, unit in _PARTS.findall(duration)))


def size(written: int | str) -> int:
    """`1.5GiB` → 1610612736, in bytes. The form was checked before."""
    found = _SIZE.fullmatch(str(written))
    if found is None:
        raise ValueError(written)
    whole, part, unit, binary = found[1], found[2] or "", found[3], found[4]
    scale: int = (1024 if binary else 1000) ** " KMGT".index(unit or " ")
    return int(whole + part) * scale // int(10 ** len(part))


def moment(written: str) -> float:
    """`2026-12-01T08:00:00Z` → seconds since the epoch. The form was checked before; ValueError for a 30 February."""
    found = _MOMENT.fullmatch(written)
    if found is None:
        raise ValueError(written)
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    if not (1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
        raise ValueError(written)
    sign, hours, minutes = found["sign"], int(found["hours"] or 0), int(found["minutes"] or 0)
    if max(hour, hours) > 23 or max(minute, second, minutes) > 59:
        raise ValueError(written)
    offset = (hours * 3600 + minutes * 60) * (-1 if sign == "-" else 1)
    return float(calendar.timegm((year, month, day, hour, minute, second)) - offset)


_Fields = Mapping[str, tuple[str, Callable[[Any], Any]]]  # key in the document → field of the value, conversion

_TRANSITION: _Fields = {
    "policy": ("policy", TransitionPolicy),
    "allowDowntime": ("allow_downtime", bool),
    "loadDeadline": ("load_deadline", seconds),
    "keepPrevious": ("keep_previous", seconds),
}
_RETRY: _Fields = {"limit": ("limit", int), "backoff": ("backoff", seconds), "max": ("max", seconds)}
_DELIVERY: _Fields = {
    "mode": ("mode", DeliveryMode),
    "bootstrapFile": ("bootstrap_file", str),
    "configFile": ("config_file", str),
}
_TF_SERVING: _Fields = {
    "version": ("version", str),
    "fileSystemPollWaitSeconds": ("file_system_poll_wait", float),
    "modelConfigFilePollWaitSeconds": ("model_config_file_poll_wait", float),
    "numLoadThreads": ("num_load_threads", int),
    "numUnloadThreads": ("num_unload_threads", int),
    "maxNumLoadRetries": ("max_num_load_retries", int),
    "loadRetryInterval": ("load_retry_interval", seconds),
    "allowVersionLabelsForUnavailableModels": ("allow_labels_for_unavailable", bool),
}
_TLS: _Fields = {"caFile": ("ca_file", str), "certFile": ("cert_file", str), "keyFile": ("key_file", str)}
_SECRET: _Fields = {"fromEnv": ("from_env", str), "fromFile": ("from_file", str)}
_MEMORY: _Fields = {"budget": ("budget", size), "reserve": ("reserve", size)}
_SUSPEND: _Fields = {"reason": ("reason", str), "by": ("by", str), "until": ("until", moment)}
_BLAST: _Fields = {"maxRemovals": ("max_removals", int), "maxPercent": ("max_percent", int)}
_WINDOW: _Fields = {
    "name": ("name", str),
    "kind": ("kind", WindowKind),
    "schedule": ("schedule", str),
    "duration": ("duration", seconds),
    "timeZone": ("time_zone", str),
    "rollbacks": ("rollbacks", "allow".__eq__),
}
_CONSENTS: _Fields = {
    "allowUnseenStorage": ("allow_unseen_storage", bool),
    "adopt": ("adopt", Adopt),
    "prune": ("prune", bool),
    "drift": ("drift", Drift),
}
_LIMITS: _Fields = {"maxConcurrent": ("max_concurrent", int), "maxUnavailable": ("max_unavailable", int)}
_WAVE: _Fields = {"name": ("name", str), "maxServers": ("most", int), "pause": ("pause", seconds)}
_CHECK: _Fields = {
    "name": ("name", str),
    "kind": ("kind", CheckKind),
    "with": ("against", str),
    "maxLatency": ("max_latency", seconds),
    "repetitions": ("repetitions", int),
    "maxSlowdown": ("max_slowdown", float),
}
_TOLERANCE: _Fields = {"abs": ("abs", float), "rel": ("rel", float)}
_PROMOTION: _Fields = {
    "from": ("from_", str),
    "to": ("to", str),
    "bake": ("bake", seconds),
    "dropOld": ("drop_old", bool),
    "via": ("via", Via),
}
_DISCOVER: _Fields = {"pattern": ("pattern", str), "label": ("label", str), "keep": ("keep", int), "via": ("via", Via)}
_DEADLINES: _Fields = {name: (name, seconds) for name in ("status", "reload", "load", "unload")}


def model(document: Node) -> ModelDocument:
    """What a Model says."""
    spec: dict[str, Any] = document.fields["spec"].data  # type: ignore[assignment]  # its shape was checked
    name = str(document.find("metadata", "name").data)
    labels = spec.get("labels", {})
    value = DesiredModel(
        document=name,
        name=spec.get("modelName", name),
        base_path=spec["basePath"],
        policy=_policy(spec["versions"]),
        labels=tuple(sorted((label, int(version)) for label, version in labels.items())),
        transition=Transition(**_given(_TRANSITION, spec.get("transition"))),
        retry=Retry(**_given(_RETRY, spec.get("retry"))),
        suspend=suspend(spec),
        prune=Prune(spec.get("prune", "inherit")),
        preflight=_preflight(spec.get("preflight", {})),
        automation=_automation(spec),
        place=Place("", document.line, document.column),
    )
    node = document.fields["spec"]
    return ModelDocument(
        model=value,
        placements=tuple(_placement(entry) for entry in node.fields["placement"].items),
        name_at=node.find("modelName").position if "modelName" in spec else document.find("metadata", "name").position,
        base_path_at=node.fields["basePath"].position,
        labels_at=node.find("labels").key_position,
        checks=tuple(_check(entry) for entry in (node.find("checks").items if "checks" in spec else ())),
    )


def fleet(document: Node) -> FleetDocument:
    """What a Fleet says."""
    node = document.fields["spec"]
    spec: dict[str, Any] = node.data  # type: ignore[assignment]  # its shape was checked
    connection = spec.get("connection", {})
    secret = _given(_SECRET, connection.get("authorization"))
    value = Fleet(
        name=str(document.find("metadata", "name").data),
        delivery=Delivery(**_given(_DELIVERY, spec.get("delivery"))),
        tf_serving=TfServing(**_given(_TF_SERVING, spec.get("tfServing"))),
        connection=Connection(
            **_given(_TLS, connection.get("tls")), authorization=SecretRef(**secret) if secret else None
        ),
        storage=tuple(StorageMapping(each["serverPath"], each["url"]) for each in spec.get("storage", [])),
        deadlines=Deadlines(**_given(_DEADLINES, spec.get("deadlines"))),
        suspend=suspend(spec),
        rollout=_rollout(node),
        blast_radius=BlastRadius(**_given(_BLAST, spec.get("blastRadius"))),
        windows=tuple(Window(**_given(_WINDOW, each)) for each in spec.get("windows", [])),
        place=Place("", document.line, document.column),
        **_given(_CONSENTS, spec),
    )
    servers = tuple(_server(entry) for entry in node.fields["servers"].items)
    return FleetDocument(value, servers, node.find("delivery").key_position)


def _given(fields: _Fields, data: Mapping[str, Any] | None) -> dict[str, Any]:
    """The fields that were written; null is as good as not written."""
    written = data or {}
    return {ours: convert(written[key]) for key, (ours, convert) in fields.items() if written.get(key) is not None}


def _rollout(spec: Node) -> Rollout | None:
    if "rollout" not in spec.fields:
        return None
    written: dict[str, Any] = spec.fields["rollout"].data  # type: ignore[assignment]  # its shape was checked
    entries = spec.find("rollout", "waves").items if "waves" in written else ()
    return Rollout(**_given(_LIMITS, written), waves=tuple(_wave(entry) for entry in entries))


def _wave(entry: Node) -> Wave:
    data: dict[str, Any] = entry.data  # type: ignore[assignment]  # its shape was checked
    selector = data.get("serverSelector", {}).get("matchLabels")
    return Wave(selector=_labels(selector), **_given(_WAVE, data))


def suspend(data: Mapping[str, Any]) -> Suspend | None:
    """The suspension that a Fleet, one of its servers, or a Model asks for. One whose time is no time is none."""
    written = data.get("suspend")
    try:
        return Suspend(**_given(_SUSPEND, written)) if written else None
    except ValueError:  # `within.py` says so: this document is refused
        return None


def _policy(versions: Mapping[str, Any]) -> VersionPolicy:
    if "specific" in versions:
        return specific(*(int(version) for version in versions["specific"]))
    return Latest(versions["latest"]) if "latest" in versions else All()


def _preflight(data: Mapping[str, Any]) -> Preflight:
    pins = data.get("fingerprints", {})
    accepted = [Accepted(int(each["from"]), int(each["to"]), each["reason"]) for each in data.get("acceptBreaking", [])]
    return Preflight(
        fingerprints=tuple(sorted((int(version), pin) for version, pin in pins.items())),
        accept_breaking=tuple(sorted(accepted, key=lambda each: (each.from_, each.to))),
    )


def _automation(spec: Mapping[str, Any]) -> Automation:
    promotion, discover = spec.get("promotion", {}), spec.get("discover", {})
    return Automation(
        on_failure=OnFailure(spec.get("onFailure", "hold")),
        promotion=Promotion(**_given(_PROMOTION, promotion)) if promotion.get("mode", "off") != "off" else None,
        discover=Discover(**_given(_DISCOVER, discover)) if discover.get("mode", "off") != "off" else None,
        blocked=tuple(sorted({int(version) for version in spec.get("blockedVersions", [])})),
    )


def _check(entry: Node) -> CheckEntry:
    data: dict[str, Any] = entry.data  # type: ignore[assignment]  # its shape was checked
    request, expect = entry.fields["request"], entry.fields.get("expect")
    return CheckEntry(
        check=Check(tolerance=Tolerance(**_given(_TOLERANCE, data.get("tolerance"))), **_given(_CHECK, data)),
        request=str(request.data),
        request_at=request.position,
        expect=None if expect is None else str(expect.data),
        expect_at=entry.position if expect is None else expect.position,
    )


def _labels(data: object) -> Labels:
    return tuple(sorted(data.items())) if isinstance(data, dict) else ()


def _placement(entry: Node) -> Placement:
    selector = entry.find("serverSelector", "matchLabels")
    wanted = selector.data if "serverSelector" in entry.fields and selector is not entry else None
    matches = wanted if "matchLabels" in entry.find("serverSelector").fields else None
    fleet_node = entry.fields["fleet"]
    return Placement(str(fleet_node.data), _labels(matches), fleet_node.position, selector.key_position)


def _server(entry: Node) -> ServerEntry:
    data: dict[str, Any] = entry.data  # type: ignore[assignment]  # its shape was checked
    return ServerEntry(
        name=data["name"],
        grpc=data["grpc"],
        rest=data.get("rest"),
        labels=_labels(data.get("labels")),
        suspend=suspend(data),
        at=entry.position,
        grpc_at=entry.fields["grpc"].position,
        memory=MemoryBudget(**_given(_MEMORY, data["memory"])) if "memory" in data else None,
    )
