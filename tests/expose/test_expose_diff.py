from expose_samples import config

from reconciler.expose import diff
from reconciler.state.desired import DesiredModel, DesiredServer, Fleet
from reconciler.state.look import LabelKind, LabelReading, Reach, ReachKind, ServingError, VersionState
from reconciler.state.observed import Observed, ObservedModel, ObservedVersion
from reconciler.state.plan import Difference, DifferenceKind
from reconciler.state.versions import Latest, specific


def wanted(*versions: int, **labels: int) -> DesiredServer:
    half = DesiredModel("half", "half", "/models/half", specific(*versions), tuple(sorted(labels.items())))
    return DesiredServer(Fleet("eu"), "gpu-1", "gpu-1:8500", models=(half,))


def found(*versions: ObservedVersion, stable: int = 1) -> Observed:
    readings = (
        ("beta", LabelReading(LabelKind.UNDEFINED)),
        ("stable", LabelReading(LabelKind.RESOLVES, stable)),
    )
    sent = config(tuple(each.version for each in versions), stable=stable)
    return Observed("eu/gpu-1", 1.0, sent=sent, models=(ObservedModel("half", versions, readings),))


PROVEN = ObservedVersion(1, VersionState.AVAILABLE, listed=True, proven=True)


def unified(server: DesiredServer, observed: Observed) -> str:
    before, after = diff.found_lines(observed), diff.wanted_lines(server)
    return diff.unified("eu/gpu-1", ("as observed", before), ("as commit abc wants it", after))


def test_server_that_is_what_git_asks_for_shows_no_difference() -> None:
    assert unified(wanted(1, stable=1), found(PROVEN)) == ""


def test_moved_label_and_new_version_show_as_changed_lines() -> None:
    shown = unified(wanted(1, 2, stable=2), found(PROVEN)).splitlines()
    assert [line for line in shown if line[0] in "+-"][2:] == ["+      - 2", "-      stable: 1", "+      stable: 2"]


def test_version_that_is_listed_but_failed_shows_its_error() -> None:
    broken = ObservedVersion(2, VersionState.END, ServingError(15, "Can't parse saved_model.pb"), listed=True)
    shown = unified(wanted(1, 2, stable=1), found(PROVEN, broken))
    assert "-      - 2  # END: Can't parse saved_model.pb (code 15)" in shown


def test_server_that_cannot_be_reached_shows_why_instead_of_models() -> None:
    observed = Observed("eu/gpu-1", 1.0, reach=Reach(ReachKind.UNREACHABLE, "connection refused"))
    assert diff.found_lines(observed) == ["# cannot be reached: connection refused"]


def test_versions_left_to_the_server_are_one_line() -> None:
    half = DesiredModel("half", "half", "/models/half", Latest(2))
    server = DesiredServer(Fleet("eu"), "gpu-1", "gpu-1:8500", models=(half,))
    assert diff.wanted_lines(server)[-1] == "    versions: latest 2"


def test_every_kind_of_difference_is_a_line() -> None:
    for kind in DifferenceKind:
        each = Difference(kind, "half", "2", "", version=2, label="stable")
        assert diff.difference_text(each).endswith("nothing, git wants 2")
