import pytest

from reconciler.source import origin

TEXT = b"""\
kind: Fleet
metadata: {name: fashion}
---
# stable: 1
kind: Model
metadata:
  name: fashion
spec:
  versions:
    specific:
      - 41
      - "42"
  labels: {canary: 42, stable: 41}
---
kind: Model
metadata: {name: other}
spec:
  versions: {latest: 2}
  labels:
    stable: 7
"""


@pytest.mark.parametrize(("label", "place"), [("stable", "m.yaml:13:32"), ("canary", "m.yaml:13:20")])
def test_a_label_is_found_where_its_value_stands(label: str, place: str) -> None:
    assert str(origin.label_at(TEXT, "m.yaml", "fashion", label)) == place


def test_a_label_of_another_document_in_the_file_is_not_taken() -> None:
    assert str(origin.label_at(TEXT, "m.yaml", "other", "stable")) == "m.yaml:20:13"


@pytest.mark.parametrize(("version", "place"), [(41, "m.yaml:11:9"), (42, "m.yaml:12:9")])
def test_a_version_is_found_in_the_list_as_number_or_text(version: int, place: str) -> None:
    assert str(origin.version_at(TEXT, "m.yaml", "fashion", version)) == place


def test_a_version_that_the_server_chose_leads_to_how_it_chooses() -> None:
    assert str(origin.version_at(TEXT, "m.yaml", "other", 3)) == "m.yaml:18:13"


@pytest.mark.parametrize(
    "data", [b"", b"kind: [", b"\xff", b"kind: Model\nmetadata: {name: fashion}\n", b"- 1\n", b"7"]
)
def test_what_does_not_say_it_leads_nowhere(data: bytes) -> None:
    assert origin.label_at(data, "m.yaml", "fashion", "stable") is None
    assert origin.version_at(data, "m.yaml", "fashion", 41) is None
