"""Rules between the fields of one document, which no schema can say. Errors first, then warnings.

Called by `files.py` for every well-shaped document. Rules between documents are in `across.py`. The E-numbers are those
of docs/planning.md: what TensorFlow Serving does when the rule is broken.
"""

import re
from collections.abc import Iterator

from reconciler import windows
from reconciler.parse import automation, normal, wording
from reconciler.parse.documents import At, FleetDocument, ModelDocument, ServerEntry
from reconciler.parse.nodes import Node
from reconciler.parse.problems import Finding, shown
from reconciler.state.check import CheckKind
from reconciler.state.desired import Adopt, Delivery, DeliveryMode, TransitionPolicy
from reconciler.state.versions import Specific

MAX_VERSION = 2**63 - 1  # TensorFlow Serving's versions are int64
_PLACEHOLDER = re.compile(r"\{[^}]*\}")


def model_rules(document: Node, said: ModelDocument) -> Iterator[Finding]:
    """What is wrong with, or surprising about, one Model."""
    spec = document.fields["spec"]
    yield from _versions(spec)
    if isinstance(said.model.policy, Specific):
        yield from _labels_over_specific(spec, said, said.model.policy)
    else:
        yield from _needs_specific(spec, said)
    yield from _pins(spec, said)
    yield from _accepted(spec)
    yield from _nothing_kept(spec, said)
    yield from _checks(spec, said)
    yield from _suspension(spec)
    yield from automation.rules(spec, said)
    if said.model.retry.max < said.model.retry.backoff:
        at = spec.fields["retry"].key_position
        yield Finding(*at, "retry-max", "retry.max is shorter than retry.backoff", "make it at least as long")


def fleet_rules(document: Node, said: FleetDocument) -> Iterator[Finding]:
    """What is wrong with, or surprising about, one Fleet."""
    spec = document.fields["spec"]
    yield from _delivery(spec, said)
    yield from _files(spec, said)
    yield from _twice(spec.find("servers"), "name", "server-twice", "give every server of the fleet its own name")
    if "storage" in spec.fields:
        yield from _twice(spec.fields["storage"], "serverPath", "storage-twice", "keep one of the two")
    yield from _keys(spec, said)
    yield from _waves(spec, said)
    yield from _windows(spec, said)
    yield from _keeping(spec, said)
    yield from _suspension(spec)
    for entry, server in zip(spec.find("servers").items, said.servers, strict=True):
        yield from _suspension(entry)
        yield from _memory(entry, server)
    yield from _slow_failures(spec, said)


def _versions(spec: Node) -> Iterator[Finding]:
    seen: dict[int, int] = {}
    for node in spec.find("versions").find("specific").items:
        number = int(str(node.data))
        if number > MAX_VERSION:
            yield wording.version(node)
        if number in seen:
            what = f"version {number} is listed twice; first in line {seen[number]}"
            yield Finding(*node.position, "version-twice", what, "keep one of them")
        seen.setdefault(number, node.line)


def _pins(spec: Node, said: ModelDocument) -> Iterator[Finding]:
    policy = said.model.policy
    for version, node in _said(spec, "preflight", "fingerprints").fields.items():
        if int(version) > MAX_VERSION:
            yield wording.no_version(node.key_position, version)
        elif isinstance(policy, Specific) and int(version) not in policy.versions:
            what = f"the fingerprint of version {version} guards nothing: versions.specific does not list {version}"
            yield Finding(*node.key_position, "pin-unlisted", what, "remove it, or list the version", warning=True)


def _accepted(spec: Node) -> Iterator[Finding]:
    seen: dict[tuple[int, ...], int] = {}
    for entry in _said(spec, "preflight", "acceptBreaking").items:
        ends = [entry.fields["from"], entry.fields["to"]]
        yield from (wording.version(end) for end in ends if int(str(end.data)) > MAX_VERSION)
        move = tuple(int(str(end.data)) for end in ends)
        if move[0] == move[1]:
            what = f"from and to are both version {move[0]}, and so no label moves"
            yield Finding(*entry.position, "accept-nothing", what, "give the version that the label leaves as `from`")
        if move in seen:
            what = f"the move from {move[0]} to {move[1]} is accepted twice; first in line {seen[move]}"
            yield Finding(*entry.position, "accept-twice", what, "keep one of them")
        seen.setdefault(move, entry.line)


def _said(node: Node, *path: str) -> Node:
    """The node at that path; an empty one where the document does not say so much."""
    for step in path:
        if step not in node.fields:
            return Node(None, node.line, node.column)
        node = node.fields[step]
    return node


def _labels_over_specific(spec: Node, said: ModelDocument, policy: Specific) -> Iterator[Finding]:
    listed = ", ".join(map(str, policy.versions[:20]))
    for label, target in said.model.labels:
        if target not in policy.versions:
            node = spec.find("labels", label)
            what = f"the label {shown(label)} points at version {target}, which versions.specific does not list"
            to_do = f"list {target} there too, or point the label at one of {listed}"
            yield Finding(*node.position, "label-unlisted", what, to_do)
    highest = max(policy.versions)
    below = [label for label, target in said.model.labels if target < highest]
    if below:
        what = (
            f"requests that name neither version nor label go to version {highest}, the highest listed, as soon as "
            f"it is loaded, while {', '.join(map(shown, below))} still points lower (E38)"
        )
        to_do = "make sure that every client names a label or a version; no check shields those that do not"
        yield Finding(*said.labels_at, "unlabelled-traffic", what, to_do, warning=True)


def _needs_specific(spec: Node, said: ModelDocument) -> Iterator[Finding]:
    if said.model.labels:
        what = "labels stand over versions that the server chooses: a copied directory can orphan them (E5)"
        yield Finding(*said.labels_at, "labels-need-specific", what, "list the versions: `versions: {specific: […]}`")
    policy = said.model.transition.policy
    if policy is not TransitionPolicy.AVAILABILITY:
        at = spec.find("transition", "policy").position
        what = f"policy `{policy}` needs to know which versions there are, and here the server chooses them"
        to_do = "list the versions: `versions: {specific: […]}`; or use policy `availability`"
        yield Finding(*at, f"{policy}-needs-specific", what, to_do)


def _waves(spec: Node, said: FleetDocument) -> Iterator[Finding]:
    """A wave that takes no server is a mistake: what it should have tried first would go to all at once."""
    if said.fleet.rollout is None or not said.fleet.rollout.waves:
        return
    entries = spec.find("rollout", "waves")
    yield from _twice(entries, "name", "wave-twice", "give every wave of the fleet its own name")
    left = {server.name: dict(server.labels) for server in said.servers}
    for entry, wave in zip(entries.items, said.fleet.rollout.waves, strict=True):
        matching = [name for name, labels in left.items() if all(labels.get(key) == at for key, at in wave.selector)]
        left = {name: labels for name, labels in left.items() if name not in matching[: wave.most]}
        if not matching and said.servers:
            what = f"wave {shown(wave.name)} takes no server: none that is left has these labels"
            to_do = "correct its serverSelector, put it before waves that take more, or remove it"
            yield Finding(*entry.position, "empty-wave", what, to_do)


def _keeping(spec: Node, said: FleetDocument) -> Iterator[Finding]:
    blind = [server.name for server in said.servers if server.rest is None]
    if said.fleet.adopt is Adopt.KEEP and blind:
        what = f"adopt `keep` reads what a server holds off its metrics page, and {shown(blind[0])} has no rest address"
        yield Finding(*spec.fields["adopt"].position, "keep-needs-rest", what, "give every server its `rest` address")


def _windows(spec: Node, said: FleetDocument) -> Iterator[Finding]:
    if "windows" not in spec.fields:
        return
    entries = spec.find("windows")
    yield from _twice(entries, "name", "window-twice", "give every window of the fleet its own name")
    troubled = False
    for entry, window in zip(entries.items, said.fleet.windows, strict=True):
        if trouble := windows.schedule_trouble(window.schedule):
            what = f"the schedule {shown(window.schedule)} is none: {trouble}"
            to_do = "write minute, hour, day, month and weekday, such as `0 18 * * 5`: every Friday at 18:00"
            yield Finding(*entry.fields["schedule"].position, "no-schedule", what, to_do)
            troubled = True
        if trouble := windows.zone_trouble(window.time_zone):
            what = f"{shown(window.time_zone)}: {trouble}"
            yield Finding(*entry.fields["timeZone"].position, "no-time-zone", what, "write one such as `Europe/Berlin`")
            troubled = True
    if not troubled and windows.never_open(said.fleet.windows):
        what = "these windows leave no time in which a change may begin"
        yield Finding(*entries.key_position, "never-open", what, "shorten one, or write another schedule")


def _suspension(owner: Node) -> Iterator[Finding]:
    node = owner.find("suspend", "until")
    if "suspend" not in owner.fields or "until" not in owner.find("suspend").fields or node.data is None:
        return
    try:
        normal.moment(str(node.data))
    except ValueError:
        what = f"{shown(node.data)} is no day and time of the calendar"
        yield Finding(*node.position, "no-such-time", what, "give one, such as `2026-12-01T08:00:00Z`")


def _memory(entry: Node, server: ServerEntry) -> Iterator[Finding]:
    memory = server.memory
    if memory is not None and memory.usable == 0:
        at = entry.find("memory", "reserve").position
        what = f"the reserve leaves nothing of the budget {shown(entry.find('memory', 'budget').data)} for any model"
        yield Finding(*at, "memory-reserve", what, "give a reserve that is smaller than the budget, or leave it out")


def _nothing_kept(spec: Node, said: ModelDocument) -> Iterator[Finding]:
    transition = said.model.transition
    if transition.keep_previous is None:
        return
    at = spec.find("transition", "keepPrevious").key_position
    if transition.policy is TransitionPolicy.RESOURCE:
        what = "policy `resource` unloads the old version to make room, so nothing is left that keepPrevious could keep"
        yield Finding(*at, "keep-previous-resource", what, "remove keepPrevious, or use policy `availability`")
    elif not said.model.labels:
        what = "keepPrevious keeps the version that a label left, and this model has no labels"
        yield Finding(*at, "keep-previous-unlabelled", what, "give clients a label to ask for, or remove keepPrevious")


_OF_KIND = {
    CheckKind.REQUEST: ({"expect"}, {"with", "maxSlowdown"}),
    CheckKind.COMPARE: ({"with"}, {"expect", "maxLatency"}),
}
"""By kind of check: the fields that it needs, and those that belong to the other."""


def _checks(spec: Node, said: ModelDocument) -> Iterator[Finding]:
    if not said.checks:
        return
    entries = spec.find("checks")
    yield from _twice(entries, "name", "check-twice", "give every check of the Model its own name")
    if not said.model.labels:
        what = "checks are run before a label moves, and this model has no labels: nothing would ever be checked"
        to_do = "give clients a label to ask for, or remove the checks"
        yield Finding(*entries.key_position, "checks-without-labels", what, to_do)
    for entry, check in zip(entries.items, said.checks, strict=True):
        yield from _of_kind(entry, check.check.kind)
        if check.check.kind is CheckKind.COMPARE and "with" in entry.fields:
            yield from _comparison(entry, check.check.against, said)


def _of_kind(entry: Node, kind: CheckKind) -> Iterator[Finding]:
    needed, foreign = _OF_KIND[kind]
    for name in sorted(needed - entry.fields.keys()):
        what = f"a check of kind `{kind}` has no `{name}`"
        to_do = {"expect": "name the file with the answer that is expected", "with": "name the label to compare with"}
        yield Finding(*entry.position, "check-field", what, to_do[name])
    for name in sorted(foreign & entry.fields.keys()):
        what = f"`{name}` means nothing in a check of kind `{kind}`"
        yield Finding(*entry.fields[name].key_position, "check-field", what, "remove it, or make a check of the other")


def _comparison(entry: Node, label: str, said: ModelDocument) -> Iterator[Finding]:
    at = entry.fields["with"].position
    if said.model.labels and label not in dict(said.model.labels):
        known = ", ".join(name for name, _ in said.model.labels)
        what = f"there is no label {shown(label)} to compare with"
        yield Finding(*at, "compare-unlabelled", what, f"name one of this model's labels: {known}")
    if said.model.transition.policy is TransitionPolicy.RESOURCE:
        what = "policy `resource` unloads the old version first, so there is nothing to compare the new one with"
        yield Finding(*at, "compare-resource", what, "use a check of kind `request`, or policy `availability`")


def _delivery(spec: Node, said: FleetDocument) -> Iterator[Finding]:
    poll_at = spec.find("tfServing", "modelConfigFilePollWaitSeconds").key_position
    delivery, poll = said.fleet.delivery, said.fleet.tf_serving.model_config_file_poll_wait
    if delivery.mode is DeliveryMode.RPC:
        if poll:
            what = "servers that read their config file again undo every RPC within that time (E32)"
            to_do = "start them with --model_config_file_poll_wait_seconds=0 and say so here, or use delivery `file`"
            yield Finding(*poll_at, "rpc-with-polling", what, to_do)
        yield from _misplaced(spec, "configFile", delivery.config_file, DeliveryMode.FILE)
        return
    if not poll:
        what = "servers that never read their config file again never see what delivery `file` writes"
        to_do = "start them with --model_config_file_poll_wait_seconds=1 or more, and say so here"
        yield Finding(*poll_at, "file-without-polling", what, to_do)
    if delivery.config_file is None:
        what = "delivery `file` needs to know which file"
        yield Finding(*said.file_at, "file-without-path", what, "add configFile, such as `/srv/config/{server}.pbtxt`")
    yield from _misplaced(spec, "bootstrapFile", delivery.bootstrap_file, DeliveryMode.RPC)


def _misplaced(spec: Node, field: str, value: str | None, mode: DeliveryMode) -> Iterator[Finding]:
    if value is not None:
        at = spec.find("delivery", field).key_position
        yield Finding(*at, "wrong-delivery", f"{field} belongs to delivery `{mode}`", "remove it, or change the mode")


def _files(spec: Node, said: FleetDocument) -> Iterator[Finding]:
    for field, path in _written(said.fleet.delivery):
        at = spec.find("delivery", field).position
        placeholders = set(_PLACEHOLDER.findall(path))
        if unknown := sorted(placeholders - {"{server}"}):
            yield Finding(*at, "placeholder", f"{field} holds {shown(unknown[0])}", "only `{server}` is replaced")
        if "{server}" not in placeholders and len(said.servers) > 1:
            what = f"{field} is the same file for all {len(said.servers)} servers, and each needs its own"
            yield Finding(*at, "file-shared", what, "put `{server}` into the path")


def _written(delivery: Delivery) -> Iterator[tuple[str, str]]:
    if delivery.bootstrap_file is not None:
        yield "bootstrapFile", delivery.bootstrap_file
    if delivery.config_file is not None:
        yield "configFile", delivery.config_file


def _twice(entries: Node, field: str, rule: str, to_do: str) -> Iterator[Finding]:
    seen: dict[object, At] = {}
    for entry in entries.items:
        node = entry.fields[field]
        if node.data in seen:
            what = f"{field} {shown(node.data)} is here twice; first in line {seen[node.data][0]}"
            yield Finding(*node.position, rule, what, to_do)
        seen.setdefault(node.data, node.position)


def _keys(spec: Node, said: FleetDocument) -> Iterator[Finding]:
    connection = said.fleet.connection
    if (connection.cert_file is None) != (connection.key_file is None):
        at = spec.find("connection", "tls").key_position
        what = "certFile and keyFile only work together"
        yield Finding(*at, "tls-half-a-pair", what, "give both, or neither")


def _slow_failures(spec: Node, said: FleetDocument) -> Iterator[Finding]:
    started = said.fleet.tf_serving
    if started.num_load_threads == 0 and started.max_num_load_retries > 0:
        seconds = started.max_num_load_retries * started.load_retry_interval
        what = (
            f"with numLoadThreads 0 and maxNumLoadRetries {started.max_num_load_retries} one version that cannot load "
            f"keeps a server from loading and unloading anything for {seconds:g} s (E23)"
        )
        to_do = "start the servers with --num_load_threads=2 and --max_num_load_retries=0, and say so in tfServing"
        yield Finding(*spec.find("tfServing").key_position, "slow-failures", what, to_do, warning=True)
