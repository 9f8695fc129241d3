"""What sound documents become, whatever their order; and what is kept between commits."""

import itertools
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parse_builders import COMMIT, FLEET, MODEL, desired, fleet_with, model_with, read

from reconciler import parse
from reconciler.parse import normal
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
from reconciler.state.versions import All, Latest, specific

WHOLE_FLEET = """\
---
apiVersion: reconciler.tfserving/v1alpha1
kind: Fleet
metadata: {name: eu}
spec:
  delivery: {mode: file, configFile: "/srv/{server}.pbtxt", bootstrapFile: null}
  tfServing:
    version: "2.19.1"
    fileSystemPollWaitSeconds: 2
    modelConfigFilePollWaitSeconds: 3
    numLoadThreads: 4
    numUnloadThreads: 5
    maxNumLoadRetries: 6
    loadRetryInterval: 500ms
    allowVersionLabelsForUnavailableModels: true
  connection:
    tls: {caFile: /ca.pem, certFile: /c.pem, keyFile: /k.pem}
    authorization: {fromFile: /run/token}
  storage: [{serverPath: /models, url: "s3://bucket/models"}]
  allowUnseenStorage: true
  deadlines: {status: 1s, reload: 4s, load: 1h30m, unload: 1m30s}
  adopt: replace
  prune: true
  drift: report
  blastRadius: {maxRemovals: 5, maxPercent: 20}
  windows:
    - {name: weekend, kind: deny, schedule: "0 18 * * 5", duration: 60h, timeZone: Europe/Berlin, rollbacks: hold}
    - {name: office, kind: allow, schedule: "0 9 * * 1-5", duration: 8h30m}
  servers:
    - {name: gpu-1, grpc: "[::1]:8500", rest: "http://gpu-1:8501", labels: {b: "2", a: "1"},
       memory: {budget: 1KiB, reserve: 24}}
"""

WHOLE_MODEL = """\
apiVersion: reconciler.tfserving/v1alpha1
kind: Model
metadata: {name: fashion-eu, labels: {team: vision}}
spec:
  modelName: fashion
  placement: [{fleet: eu, serverSelector: {matchLabels: {a: "1"}}}]
  basePath: s3://bucket/models/fashion
  platform: tensorflow
  versions: {specific: [42, "41"]}
  labels: {stable: "41", canary: 42}
  transition: {policy: resource, allowDowntime: true, loadDeadline: 15m}
  retry: {limit: 5, backoff: 1m, max: 10m}
  prune: forbid
  preflight:
    fingerprints:
      "42": "sha256:4444444444444444444444444444444444444444444444444444444444444444"
      "41": "sha256:1111111111111111111111111111111111111111111111111111111111111111"
    acceptBreaking: [{from: 42, to: "41", reason: back is agreed}, {from: "41", to: 42, reason: clients moved}]
"""


def test_every_field_of_a_fleet_arrives() -> None:
    (server,) = desired(fleet=WHOLE_FLEET, model=WHOLE_MODEL).servers
    assert server.fleet == Fleet(
        name="eu",
        delivery=Delivery(DeliveryMode.FILE, None, "/srv/{server}.pbtxt"),
        tf_serving=TfServing("2.19.1", 2.0, 3.0, 4, 5, 6, 0.5, allow_labels_for_unavailable=True),
        connection=Connection("/ca.pem", "/c.pem", "/k.pem", SecretRef(from_file="/run/token")),
        storage=(StorageMapping("/models", "s3://bucket/models"),),
        allow_unseen_storage=True,
        deadlines=Deadlines(1.0, 4.0, 5400.0, 90.0),
        adopt=Adopt.REPLACE,
        prune=True,
        drift=Drift.REPORT,
        blast_radius=BlastRadius(5, 20),
        windows=(
            Window("weekend", WindowKind.DENY, "0 18 * * 5", 216000.0, "Europe/Berlin", rollbacks=False),
            Window("office", WindowKind.ALLOW, "0 9 * * 1-5", 30600.0),
        ),
        place=Place("fleet.yaml", 2, 1),
    )
    assert (server.id, server.grpc, server.rest) == ("eu/gpu-1", "[::1]:8500", "http://gpu-1:8501")
    assert server.labels == (("a", "1"), ("b", "2"))
    assert server.memory == MemoryBudget(1024, 24)
    assert server.place == Place("fleet.yaml", 30, 7)


def test_every_field_of_a_model_arrives() -> None:
    (server,) = desired(fleet=WHOLE_FLEET, model=WHOLE_MODEL).servers
    assert server.models == (
        DesiredModel(
            document="fashion-eu",
            name="fashion",
            base_path="s3://bucket/models/fashion",
            policy=specific(41, 42),
            labels=(("canary", 42), ("stable", 41)),
            transition=Transition(TransitionPolicy.RESOURCE, allow_downtime=True, load_deadline=900.0),
            retry=Retry(5, 60.0, 600.0),
            prune=Prune.FORBID,
            place=Place("model.yaml", 1, 1),
            preflight=Preflight(
                ((41, f"sha256:{'1' * 64}"), (42, f"sha256:{'4' * 64}")),
                (Accepted(41, 42, "clients moved"), Accepted(42, 41, "back is agreed")),
            ),
        ),
    )


def test_what_is_not_written_has_the_defaults_of_the_values() -> None:
    (server, _) = desired(fleet=FLEET, model=MODEL).servers
    assert server.fleet.deadlines == Deadlines()
    assert server.fleet.adopt is Adopt.REFUSE
    assert server.models[0].retry == Retry()
    assert server.models[0].transition == Transition()
    assert server.models[0].preflight == Preflight()


def test_a_pin_and_a_consent_are_found_by_their_versions() -> None:
    (server,) = desired(fleet=WHOLE_FLEET, model=WHOLE_MODEL).servers
    said = server.models[0].preflight
    assert (said.pinned(42), said.pinned(43)) == (f"sha256:{'4' * 64}", "")
    assert said.accepted(41, 42) == Accepted(41, 42, "clients moved")
    assert said.accepted(41, 43) is None


def test_a_model_without_modelname_is_served_under_its_own_name() -> None:
    (server, _) = desired(fleet=FLEET, model=model_with("  modelName: fashion\n", "")).servers
    assert server.models[0].name == "fashion-eu"


def test_the_other_policies_arrive() -> None:
    bare = MODEL.replace("  labels:\n    stable: 42\n", "")
    latest = bare.replace("specific: [41, 42]", "latest: 2")
    every = bare.replace("specific: [41, 42]", "all: {}").replace("fashion", "every")
    (server, _) = desired(fleet=FLEET, latest=latest, every=every).servers
    assert [model.policy for model in server.models] == [All(), Latest(2)]


def test_durations_become_seconds() -> None:
    assert [normal.seconds(each) for each in ("2s", "10m", "1h30m", "500ms", "1h1m1s1ms")] == [
        2,
        600,
        5400,
        0.5,
        3661.001,
    ]


FILES = {
    "b/fleet.yaml": FLEET,
    "a/us.yaml": FLEET.replace("eu-gpu", "us-gpu").replace(".internal", ".us"),
    "models/one.yaml": MODEL,
    "models/two.yaml": MODEL.replace("fashion", "aaa"),
    "models/bad.yaml": MODEL.replace("fashion", "zzz").replace("[41, 42]", "[42]"),
}


@given(st.permutations(list(FILES)))
def test_the_order_of_files_does_not_matter(order: list[str]) -> None:
    assert read({path: FILES[path] for path in order}) == read(dict(FILES))


def test_servers_and_models_ascend() -> None:
    servers = read(dict(FILES)).require().servers
    assert [server.id for server in servers] == sorted(server.id for server in servers)
    for server in servers:
        assert [model.name for model in server.models] == sorted(model.name for model in server.models)


def test_a_known_blob_needs_no_content() -> None:
    cache = parse.Cache()
    first = read({"f.yaml": FLEET, "m.yaml": MODEL}, cache=cache)
    again = [
        parse.SourceFile("f.yaml", str(hash(FLEET.encode()))),
        parse.SourceFile("m.yaml", str(hash(MODEL.encode()))),
    ]
    assert all(file.blob in cache for file in again)
    assert parse.parse(COMMIT, again, cache=cache) == first


def test_one_blob_at_two_paths_is_reported_at_both() -> None:
    found = read({"f.yaml": FLEET, "a.yaml": "nonsense", "b.yaml": "nonsense"}, cache=parse.Cache()).problems
    assert [problem.path for problem in found] == ["a.yaml", "b.yaml"]


def test_results_made_elsewhere_are_used_and_can_be_pickled() -> None:
    texts = {"f.yaml": FLEET, "m.yaml": MODEL, "bad.yaml": "a: b: c"}
    made = {str(hash(text.encode())): parse.parse_file(text.encode()) for text in texts.values()}
    cache = parse.Cache()
    cache.add(pickle.loads(pickle.dumps(made)))
    files = [parse.SourceFile(path, str(hash(text.encode()))) for path, text in texts.items()]
    assert parse.parse(COMMIT, files, cache=cache) == read(dict(texts))


def test_the_cache_forgets_what_no_commit_uses_any_more() -> None:
    cache = parse.Cache()
    for number in itertools.count():
        read({"f.yaml": FLEET + f"# {number}\n"}, cache=cache)
        if number == 1500:
            break
    assert len(cache) <= 1005


def test_a_cache_gives_what_no_cache_gives() -> None:
    cache = parse.Cache()
    for text in (FLEET, fleet_with("prune: true"), FLEET):
        assert read({"f.yaml": text, "m.yaml": MODEL}, cache=cache) == read({"f.yaml": text, "m.yaml": MODEL})


@pytest.mark.parametrize(
    ("until", "seconds"),
    [
        ("2026-12-01T08:00:00Z", 1796112000.0),
        ("2026-12-01T09:00+01:00", 1796112000.0),
        ("2026-12-01T02:29:30-05:30", 1796111970.0),
        ("null", None),
    ],
)
def test_a_suspension_has_a_reason_a_name_and_perhaps_an_end(until: str, seconds: float | None) -> None:
    model = model_with("  labels:", f"  suspend: {{reason: incident, by: ada, until: {until}}}\n  labels:")
    server = desired(fleet=FLEET, model=model).servers[0]
    assert server.models[0].suspend == Suspend("incident", "ada", seconds)


def test_fleets_and_servers_are_suspended_alike() -> None:
    entry = FLEET.replace("labels: {tier: canary}", "labels: {tier: canary}, suspend: {reason: disk, by: ada}")
    fleet = entry.replace("  servers:", "  suspend: {reason: move, by: bob}\n  servers:")
    first, second = desired(fleet=fleet, model=MODEL).servers
    assert (first.suspend, second.suspend) == (Suspend("disk", "ada"), None)
    assert first.fleet.suspend == Suspend("move", "bob")


def test_a_rollout_has_waves_in_order_with_pauses_in_seconds() -> None:
    fleet = fleet_with(
        "rollout: {maxConcurrent: 2, waves: [{name: first, maxServers: 1, pause: 10m, "
        "serverSelector: {matchLabels: {tier: canary}}}, {name: rest, serverSelector: {}}]}"
    )
    (server, _) = desired(fleet=fleet, model=MODEL).servers
    first, rest = Wave("first", (("tier", "canary"),), 1, 600.0), Wave("rest")
    assert server.fleet.rollout == Rollout(2, 1, (first, rest))


def test_an_empty_rollout_means_one_server_at_a_time() -> None:
    assert desired(fleet=fleet_with("rollout: {}"), model=MODEL).servers[0].fleet.rollout == Rollout(1, 1, ())
