"""A model's document and check files as they were, beside everything else as it is."""

from dataclasses import dataclass

import pytest

from reconciler import parse
from reconciler.errors import RevisionRefused
from reconciler.revise import restoring

CHECKED = """\
apiVersion: reconciler.tfserving/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec:
  placement: [{{fleet: eu}}]
  basePath: /m
  versions: {{specific: [{version}]}}
  labels: {{stable: {version}}}
  checks:
    - {{name: golden, kind: request, request: {request}}}
"""


def model(name: str, version: int, request: str = "checks/one.json") -> str:
    return CHECKED.format(name=name, version=version, request=request)


@dataclass
class Files:
    """A commit of a few files."""

    files: dict[str, str]
    short: str = "c0ffee"

    def documents(self) -> list[str]:
        return sorted(path for path in self.files if parse.concerns(path))

    def read(self, path: str) -> bytes | None:
        return self.files[path].encode() if path in self.files else None


def restored(
    head: dict[str, str], target: dict[str, str], path_now: str | None = "m.yaml", now: str = "one"
) -> tuple[dict[str, str], list[str]]:
    draft = restoring.Draft(Files(head))
    restoring.restore(draft, Files(target), restoring.Old("one", "m.yaml", now, path_now))
    return {path: data.decode() for path, data in draft.files.items()}, draft.notes


def test_other_documents_of_the_file_stay_as_they_are() -> None:
    head = {"m.yaml": f"# head\n---\n{model('other', 9)}---\n{model('one', 2)}"}
    files, notes = restored(head, {"m.yaml": f"{model('one', 1)}---\n{model('other', 1)}"})
    assert files == {"m.yaml": f"# head\n---\n{model('other', 9)}---\n{model('one', 1)}"}
    assert notes == []


def test_a_document_that_moved_is_restored_where_it_is_now() -> None:
    files, notes = restored({"new.yaml": model("one", 2)}, {"m.yaml": model("one", 1)}, "new.yaml")
    assert files == {"new.yaml": model("one", 1)}
    assert notes == ["one has moved from m.yaml to new.yaml since; it is restored there"]


def test_a_document_that_was_removed_comes_back_into_its_file() -> None:
    head = {"m.yaml": model("other", 9)}
    files, notes = restored(head, {"m.yaml": model("one", 1)}, None)
    assert files == {"m.yaml": f"{model('other', 9)}---\n{model('one', 1)}"}
    assert notes == ["one is not in the repository any more; it comes back into m.yaml"]


def test_a_document_whose_file_is_gone_brings_the_file_back() -> None:
    files, _ = restored({}, {"m.yaml": model("one", 1)}, None)
    assert files == {"m.yaml": model("one", 1)}


def test_a_renamed_document_is_restored_with_its_old_name() -> None:
    files, _ = restored({"m.yaml": model("uno", 2)}, {"m.yaml": model("one", 1)}, now="uno")
    assert files == {"m.yaml": model("one", 1)}


def test_a_check_file_that_changed_is_restored_too() -> None:
    head = {"m.yaml": model("one", 2), "checks/one.json": "new"}
    files, notes = restored(head, {"m.yaml": model("one", 1), "checks/one.json": "old"})
    assert files == {"m.yaml": model("one", 1), "checks/one.json": "old"}
    assert notes == ["checks/one.json, which a check of one asks with, is restored too"]


def test_a_check_file_that_is_gone_comes_back() -> None:
    files, _ = restored({"m.yaml": model("one", 2)}, {"m.yaml": model("one", 1), "checks/one.json": "old"})
    assert files["checks/one.json"] == "old"


def test_a_check_file_that_another_model_uses_stays_and_is_named() -> None:
    head = {"m.yaml": model("one", 2), "o.yaml": model("other", 1), "checks/one.json": "new"}
    files, notes = restored(head, {"m.yaml": model("one", 1), "checks/one.json": "old"})
    assert files == {"m.yaml": model("one", 1)}
    assert "because other asks with it too" in notes[0]


def test_two_models_of_one_file_are_restored_into_the_same_draft() -> None:
    head = Files({"m.yaml": f"{model('one', 2)}---\n{model('two', 2)}"})
    target = Files({"m.yaml": f"{model('one', 1)}---\n{model('two', 1)}"})
    draft = restoring.Draft(head)
    for name in ("one", "two"):
        restoring.restore(draft, target, restoring.Old(name, "m.yaml", name, "m.yaml"))
    assert draft.files == {"m.yaml": target.files["m.yaml"].encode()}


def test_a_file_that_is_no_yaml_any_more_is_named_with_the_line() -> None:
    with pytest.raises(RevisionRefused, match=r"m\.yaml: line 2"):
        restored({"m.yaml": "a: one\n\t- b\n"}, {"m.yaml": model("one", 1)})


def test_what_is_not_in_the_commit_is_refused() -> None:
    with pytest.raises(RevisionRefused, match=r"m\.yaml is not there"):
        restored({"m.yaml": model("one", 2)}, {})
