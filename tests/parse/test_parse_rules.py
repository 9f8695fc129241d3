"""Rules between fields, and between documents."""

import pytest
from parse_builders import COMMIT, FLEET, MODEL, fleet_with, model_with, problems, read, rules, warned

from reconciler import parse
from reconciler.errors import DesiredInvalid

OTHER = MODEL.replace("fashion-eu", "other")
FILE = FLEET.replace("{numLoadThreads: 2}", "{numLoadThreads: 2, modelConfigFilePollWaitSeconds: 1}")
LABELS = "  labels:\n    stable: 42\n"


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        ("stable: 42", "stable: 43", ["label-unlisted"]),
        ("[41, 42]", '[41, 42, "41"]', ["version-twice"]),
        ("specific: [41, 42]", "latest: 2", ["labels-need-specific"]),
        ("specific: [41, 42]", "all: {}", ["labels-need-specific"]),
        (LABELS, "  retry: {backoff: 2m, max: 1m}\n", ["retry-max"]),
        (LABELS, LABELS + "  transition: {keepPrevious: 10m}\n", []),
        (LABELS, LABELS + "  transition: {policy: resource, keepPrevious: 10m}\n", ["keep-previous-resource"]),
        (LABELS, "  transition: {keepPrevious: 10m}\n", ["keep-previous-unlabelled"]),
        ("    - fleet: eu-gpu", "    - fleet: eu-gpus", ["unknown-fleet"]),
        ("- fleet: eu-gpu", "- {fleet: eu-gpu, serverSelector: {matchLabels: {tier: gold}}}", ["nothing-selected"]),
    ],
)
def test_a_model_that_breaks_a_rule_is_refused(old: str, new: str, broken: list[str]) -> None:
    assert rules(model=model_with(old, new)) == broken


@pytest.mark.parametrize("versions", ["latest: 2", "all: {}"])
def test_resource_needs_versions_that_are_listed(versions: str) -> None:
    model = model_with("specific: [41, 42]", versions).replace(LABELS, "  transition: {policy: resource}\n")
    assert rules(model=model) == ["resource-needs-specific"]


def test_a_label_may_be_written_as_digits_and_mean_the_listed_number() -> None:
    assert rules(model=model_with("stable: 42", 'stable: "42"')) == []


def test_the_label_is_named_with_what_it_could_point_at() -> None:
    (line,) = problems(model=model_with("stable: 42", "stable: 43"))
    assert line.startswith("model.yaml:13:13 label-unlisted the label `stable` points at version 43")
    assert "41, 42" in line


@pytest.mark.parametrize(
    ("spec", "broken"),
    [
        ("delivery: {configFile: /srv/x.pbtxt}", ["wrong-delivery", "file-shared"]),
        ("delivery: {bootstrapFile: /srv/x.pbtxt}", ["file-shared"]),
        ("delivery: {bootstrapFile: '/srv/{servers}.pbtxt'}", ["placeholder", "file-shared"]),
        ("delivery: {bootstrapFile: '/srv/{server}.pbtxt'}", []),
        ("connection: {tls: {caFile: /ca, certFile: /cert}}", ["tls-half-a-pair"]),
        ("connection: {tls: {caFile: /ca, certFile: null, keyFile: null}, authorization: {fromEnv: TOKEN}}", []),
    ],
)
def test_the_fields_of_a_fleet_must_agree(spec: str, broken: list[str]) -> None:
    assert sorted(rules(fleet=fleet_with(spec))) == sorted(broken)


def test_rpc_with_servers_that_poll_their_file_is_refused() -> None:
    assert rules(fleet=FILE) == ["rpc-with-polling"]


def test_file_delivery_needs_a_path_polling_and_the_label_flag() -> None:
    assert sorted(rules(fleet=fleet_with("delivery: {mode: file, bootstrapFile: '/b/{server}'}"))) == [
        "file-without-path",
        "file-without-polling",
        "labels-by-file",
        "wrong-delivery",
    ]


def test_file_delivery_with_all_it_needs_is_sound() -> None:
    allowed = FILE.replace("numLoadThreads: 2", "numLoadThreads: 2, allowVersionLabelsForUnavailableModels: true")
    assert rules(fleet=fleet_with("delivery: {mode: file, configFile: '/srv/{server}.pbtxt'}", allowed)) == []


def test_file_delivery_without_labels_does_not_need_the_flag() -> None:
    fleet = fleet_with("delivery: {mode: file, configFile: '/srv/{server}.pbtxt'}", FILE)
    assert rules(fleet=fleet, model=model_with(LABELS, "")) == []


def test_two_fleets_that_write_one_file_are_refused() -> None:
    one = fleet_with("delivery: {bootstrapFile: '/srv/{server}.pbtxt'}")
    two = one.replace("eu-gpu", "us-gpu").replace(".internal", ".us")
    assert {problem.rule for problem in read({"a.yaml": one, "b.yaml": two}).problems} == {"file-shared"}


def test_a_server_listed_twice_is_refused() -> None:
    assert rules(fleet=FLEET.replace("name: gpu-2", "name: gpu-1")) == ["server-twice"]


def test_an_address_listed_twice_is_refused_within_and_across_fleets() -> None:
    assert rules(fleet=FLEET.replace("gpu-2.internal", "gpu-1.internal")) == ["address-twice"]
    both = read({"a.yaml": FLEET, "b.yaml": FLEET.replace("eu-gpu", "us-gpu")})
    assert [str(problem.place) for problem in both.problems] == ["b.yaml:10:27", "b.yaml:11:27"]


def test_a_storage_path_listed_twice_is_refused() -> None:
    entry = '    - {serverPath: /models, url: "file:///srv/models"}\n'
    assert rules(fleet=FLEET.replace(entry, entry * 2)) == ["storage-twice"]


@pytest.mark.parametrize(("text", "kind"), [(MODEL, "Model"), (FLEET, "Fleet")])
def test_two_documents_with_one_name_are_refused_and_the_first_is_named(text: str, kind: str) -> None:
    files = {"a.yaml": FLEET, "b.yaml": MODEL, "c.yaml": text}
    (problem,) = [each for each in read(files).problems if each.rule == "name-twice"]
    assert problem.path == "c.yaml"
    assert f"the {kind} " in problem.what
    assert ("b.yaml:4:9" if kind == "Model" else "a.yaml:4:9") in problem.what


def test_a_name_borne_by_an_unsound_document_is_taken_all_the_same() -> None:
    files = {"a.yaml": FLEET, "b.yaml": MODEL.replace("basePath", "path"), "c.yaml": MODEL}
    assert "name-twice" in {problem.rule for problem in read(files).problems}


def test_one_servable_name_from_two_models_on_one_server_is_refused_once() -> None:
    (problem,) = read({"fleet.yaml": FLEET, "a.yaml": MODEL, "b.yaml": OTHER}).problems
    assert (problem.rule, str(problem.place)) == ("model-twice", "b.yaml:6:14")
    assert "eu-gpu/gpu-1 and 1 more" in problem.what


def test_one_servable_name_from_two_models_on_different_servers_is_sound() -> None:
    place = "- {fleet: eu-gpu, serverSelector: {matchLabels: {tier: %s}}}"
    one, two = (text.replace("- fleet: eu-gpu", place % tier) for text, tier in ((MODEL, "prod"), (OTHER, "canary")))
    parsed = read({"fleet.yaml": FLEET, "a.yaml": one, "b.yaml": two})
    assert [[model.document for model in server.models] for server in parsed.require().servers] == [
        ["other"],
        ["fashion-eu"],
    ]


def test_a_model_that_selects_a_server_twice_is_there_once() -> None:
    twice = model_with("    - fleet: eu-gpu\n", "    - fleet: eu-gpu\n" * 2)
    assert [len(server.models) for server in read({"f.yaml": FLEET, "m.yaml": twice}).require().servers] == [1, 1]


def test_a_selector_that_matches_nothing_names_the_labels_there_are() -> None:
    (line,) = problems(
        model=model_with("- fleet: eu-gpu", "- {fleet: eu-gpu, serverSelector: {matchLabels: {tier: gold}}}")
    )
    assert "tier: canary, tier: prod" in line


def test_a_fleet_without_servers_cannot_be_placed_on() -> None:
    (line,) = problems(fleet=FLEET[: FLEET.index("  servers:")] + "  servers: []\n")
    assert "has no servers" in line


def test_an_unknown_fleet_is_answered_with_the_nearest_name() -> None:
    assert "did you mean `eu-gpu`?" in problems(model=model_with("- fleet: eu-gpu", "- fleet: eu-gpus"))[0]


def test_an_unsound_fleet_is_not_called_unknown() -> None:
    assert rules(fleet=FLEET.replace("serverPath", "path")) == ["missing-field", "unknown-field"]


def test_a_file_that_cannot_be_read_is_named_as_a_possible_home_of_the_missing_fleet() -> None:
    found = read({"fleet.yaml": FLEET + "\ta: b", "model.yaml": MODEL.replace("eu-gpu", "us-gpu")}).problems
    assert "1 files could not be read" in str(found[-1])


def test_a_version_above_the_label_warns_about_unlabelled_requests() -> None:
    assert warned(model=model_with("stable: 42", "stable: 41")) == ["unlabelled-traffic"]
    assert warned() == []


def test_loads_in_line_with_retries_warn_that_a_failure_stalls_the_server() -> None:
    assert warned(fleet=FLEET.replace("  tfServing: {numLoadThreads: 2}\n", "")) == ["slow-failures"]


def test_a_base_path_that_nobody_sees_warns_unless_the_fleet_consents() -> None:
    elsewhere = model_with("/models/fashion", "/modelsx/fashion")
    assert warned(model=elsewhere) == ["storage-unseen"]
    assert warned(fleet=fleet_with("allowUnseenStorage: true"), model=elsewhere) == []


@pytest.mark.parametrize(
    "files", [{}, {"README.md": "# hello"}, {"empty.yaml": ""}, {"only.yaml": "# a comment\n---\n"}]
)
def test_nothing_at_all_lets_every_server_go_with_a_warning(files: dict[str, str | bytes]) -> None:
    parsed = read(files)
    assert parsed.require().servers == ()
    assert [warning.rule for warning in parsed.warnings] == ["nothing-desired"]


def test_problems_are_raised_all_together_on_demand() -> None:
    with pytest.raises(DesiredInvalid) as caught:
        read({"a.yaml": "a: b: c", "b.yaml": "x"}).require()
    assert len(caught.value.problems) == 2


def test_more_bytes_than_allowed_in_all_are_refused() -> None:
    half = parse.SourceFile("a.yaml", "blob", b"#" * parse.MAX_BYTES)
    many = [parse.SourceFile(f"{number}.yaml", "blob", half.data) for number in range(65)]
    assert {problem.rule for problem in parse.parse(COMMIT, many).problems} == {"too-much"}


@pytest.mark.parametrize(
    ("path", "below", "ours"),
    [
        ("models/a.yaml", "", True),
        ("a.yml", "", True),
        ("a.json", "", False),
        (".github/workflows/ci.yaml", "", False),
        ("deep/.hidden/a.yaml", "", False),
        (".pre-commit-config.yaml", "", False),
        ("prod/a.yaml", "prod", True),
        ("prod/a.yaml", "prod/", True),
        ("product/a.yaml", "prod", False),
        ("other/a.yaml", "prod", False),
        (".deploy/prod/a.yaml", ".deploy/prod", True),
        ("one.yaml", "one.yaml", True),
    ],
)
def test_only_yaml_below_the_watched_path_outside_hidden_folders_is_ours(path: str, below: str, ours: bool) -> None:
    assert parse.concerns(path, below) is ours


def test_files_that_do_not_concern_us_are_passed_over() -> None:
    files = {"d/f.yaml": FLEET, "d/m.yaml": MODEL, "ci.yaml": "on: push", "d/.github/w.yaml": "on: push"}
    assert read(files, below="d").problems == ()


@pytest.mark.parametrize("until", ["2026-02-30T08:00:00Z", "2026-12-01T25:00:00Z"])
def test_an_end_of_a_suspension_that_no_calendar_has_is_refused(until: str) -> None:
    assert rules(model=model_with(LABELS, LABELS + f"  suspend: {{reason: x, by: ada, until: '{until}'}}\n")) == [
        "no-such-time"
    ]
    assert rules(fleet=fleet_with(f"suspend: {{reason: x, by: ada, until: '{until}'}}")) == ["no-such-time"]


def test_a_suspension_without_whom_to_ask_is_refused() -> None:
    assert rules(model=model_with(LABELS, LABELS + "  suspend: {reason: x}\n")) == ["missing-field"]


def preflight(said: str) -> str:
    return model_with(LABELS, f"{LABELS}  preflight: {{{said}}}\n")


PIN = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("said", "broken"),
    [
        (f'fingerprints: {{"42": "{PIN}"}}', []),
        (f'fingerprints: {{"042": "{PIN}"}}', ["version-leading-zero"]),
        (f'fingerprints: {{"0": "{PIN}"}}', ["version-out-of-range"]),
        (f'fingerprints: {{"9223372036854775808": "{PIN}"}}', ["version-out-of-range"]),
        (f'fingerprints: {{v42: "{PIN}"}}', ["version-out-of-range"]),
        (f'fingerprints: {{42: "{PIN}"}}', ["key-not-text"]),
        (f'fingerprints: {{"42": "{PIN}", "42": "{PIN}"}}', ["duplicate-key"]),
        ('fingerprints: {"42": "sha256:"}', ["wrong-form"]),
        (f'fingerprints: {{"42": "{PIN.upper()}"}}', ["wrong-form"]),
        ("acceptBreaking: [{from: 41, to: 42, reason: agreed}]", []),
        ("acceptBreaking: [{from: 41, to: 42, reason: agreed}, {from: 42, to: 41, reason: agreed}]", []),
        ("acceptBreaking: [{from: 41, to: 42}]", ["missing-field"]),
        ("acceptBreaking: [{from: 41, to: 42, reason: ''}]", ["wrong-form"]),
        ("acceptBreaking: [{from: 41, to: 42, reason: '  '}]", ["wrong-form"]),
        ("acceptBreaking: [{from: 41, to: 42, reason: 7}]", ["wrong-type"]),
        ("acceptBreaking: [{from: '041', to: 42, reason: agreed}]", ["version-leading-zero"]),
        ("acceptBreaking: [{from: 41, to: 0, reason: agreed}]", ["version-out-of-range"]),
        ("acceptBreaking: [{from: 41, to: '9223372036854775808', reason: agreed}]", ["version-out-of-range"]),
        ("acceptBreaking: [{from: 42, to: 42, reason: agreed}]", ["accept-nothing"]),
        ("acceptBreaking: [{from: 41, to: 42, reason: a}, {from: '41', to: 42, reason: b}]", ["accept-twice"]),
        ("acceptBreaking: {from: 41, to: 42, reason: agreed}", ["wrong-type"]),
        ("acceptBreaking: [{from: 41, to: 42, reason: agreed, by: ada}]", ["unknown-field"]),
    ],
)
def test_what_is_known_beforehand_of_versions_is_refused_where_it_means_nothing(said: str, broken: list[str]) -> None:
    assert rules(model=preflight(said)) == broken


def test_a_consent_without_a_reason_is_told_what_a_reason_is() -> None:
    (line,) = problems(model=preflight("acceptBreaking: [{from: 41, to: 42}]"))
    assert "`spec.preflight.acceptBreaking[0]` has no `reason` — add `reason`: Why clients are ready for it" in line


def test_a_leading_zero_in_a_pin_is_told_the_plain_number() -> None:
    (line,) = problems(model=preflight(f'fingerprints: {{"042": "{PIN}"}}'))
    assert line.endswith(
        "version-leading-zero the version `042` has leading zeros — write 42; the directory may be "
        "called 042 all the same"
    )


def test_a_pin_of_a_version_that_is_not_listed_is_a_warning() -> None:
    assert "pin-unlisted" in warned(model=preflight(f'fingerprints: {{"43": "{PIN}"}}'))
    assert "pin-unlisted" not in warned(model=preflight(f'fingerprints: {{"42": "{PIN}"}}'))


def test_a_pin_under_latest_is_for_whatever_the_server_chooses() -> None:
    model = preflight(f'fingerprints: {{"43": "{PIN}"}}').replace("specific: [41, 42]", "latest: 1").replace(LABELS, "")
    assert warned(model=model) == []


@pytest.mark.parametrize(
    ("waves", "broken"),
    [
        ("[{name: a, serverSelector: {matchLabels: {tier: gold}}}]", ["empty-wave"]),
        ("[{name: a}, {name: b}]", ["empty-wave"]),
        ("[{name: a, maxServers: 2}, {name: b}]", ["empty-wave"]),
        ("[{name: a, maxServers: 1}, {name: b}]", []),
        ("[{name: a, maxServers: 1}, {name: a}]", ["wave-twice"]),
        ("[]", []),
    ],
)
def test_waves_that_contradict_each_other_are_refused(waves: str, broken: list[str]) -> None:
    assert rules(fleet=fleet_with(f"rollout: {{waves: {waves}}}")) == broken


WINDOW = 'name: w, kind: deny, schedule: "0 18 * * 5", duration: 60h'


@pytest.mark.parametrize(
    ("written", "broken"),
    [
        (f"[{{{WINDOW}}}]", []),
        (f"[{{{WINDOW}, timeZone: Europe/Berlin, rollbacks: hold}}]", []),
        (f"[{{{WINDOW}}}, {{{WINDOW}}}]", ["window-twice"]),
        (f"[{{{WINDOW.replace('18', '25')}}}]", ["no-schedule"]),
        (f"[{{{WINDOW.replace('0 18 * * 5', '0 0 30 2 *')}}}]", ["no-schedule"]),
        (f"[{{{WINDOW.replace('0 18 * * 5', '@daily')}}}]", ["wrong-form"]),
        (f"[{{{WINDOW}, timeZone: Europe/Atlantis}}]", ["no-time-zone"]),
        (f"[{{{WINDOW.replace('60h', '200h')}}}]", ["never-open"]),
        (f"[{{{WINDOW.replace('deny', 'freeze')}}}]", ["wrong-value"]),
        ("[{name: w, kind: deny, duration: 1h}]", ["missing-field"]),
    ],
)
def test_windows_that_cannot_be_read_are_refused(written: str, broken: list[str]) -> None:
    assert rules(fleet=fleet_with(f"windows: {written}")) == broken


def test_the_problem_of_a_schedule_is_at_the_schedule() -> None:
    found = problems(fleet=fleet_with(f"windows: [{{{WINDOW.replace('18', '25')}}}]"))
    line = fleet_with("windows: [").splitlines().index("  windows: [") + 1
    assert found[0].startswith(f"fleet.yaml:{line}:")
    assert "such as `0 18 * * 5`" in found[0]


@pytest.mark.parametrize(
    ("written", "broken"),
    [
        ("{}", []),
        ("{maxRemovals: 0}", []),
        ("{maxPercent: 101}", ["out-of-range"]),
        ("{maxRemovals: -1}", ["out-of-range"]),
        ("{maxRemovals: many}", ["wrong-type"]),
        ("{max: 3}", ["unknown-field"]),
    ],
)
def test_a_blast_radius_that_cannot_be_read_is_refused(written: str, broken: list[str]) -> None:
    assert rules(fleet=fleet_with(f"blastRadius: {written}")) == broken


def test_keeping_what_servers_hold_needs_their_rest_addresses() -> None:
    assert rules(fleet=fleet_with("adopt: keep")) == ["keep-needs-rest"]
    rest = FLEET.replace('8500"', '8500", rest: "http://gpu:8501"')
    assert rules(fleet=fleet_with("adopt: keep", rest)) == []
