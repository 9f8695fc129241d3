"""Where a document says something: the line and column of a label, a version, or the list of versions.

Called by `trace` through `cli/`. Reads one file of one commit again, because what is parsed for planning keeps no
positions of single values.
"""

from collections.abc import Iterator

from reconciler.parse import reading
from reconciler.parse.nodes import Node, Unreadable
from reconciler.state.desired import Place


def label_at(data: bytes, path: str, document: str, label: str) -> Place | None:
    """Where a Model's document in a file says which version a label is on; None where it does not."""
    found = (_label(spec, label) for spec in _specs(data, document))
    return next((_place(path, node) for node in found if node is not None), None)


def version_at(data: bytes, path: str, document: str, version: int) -> Place | None:
    """Where it lists a version; where it says how versions are chosen, if it lists none; None without the document."""
    for spec in _specs(data, document):
        versions = spec.find("versions")
        listed = versions.find("specific").items
        return _place(path, next((each for each in listed if str(each.data) == str(version)), versions))
    return None


def _label(spec: Node, label: str) -> Node | None:
    return spec.find("labels").fields.get(label) if "labels" in spec.fields else None


def _specs(data: bytes, document: str) -> Iterator[Node]:
    """The spec of the Model of that name; nothing where the file cannot be read as far as that."""
    try:
        for node in reading.documents(reading.check_bytes(data), []):
            named = node.find("metadata").fields.get("name")
            if "spec" in node.fields and named is not None and named.data == document and _is_model(node):
                yield node.fields["spec"]
    except Unreadable:
        return


def _is_model(node: Node) -> bool:
    kind = node.fields.get("kind")
    return kind is not None and kind.data == "Model"


def _place(path: str, node: Node) -> Place:
    return Place(path, *node.position)
