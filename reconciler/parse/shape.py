"""One document → its kind, if it has the shape that the schemas ask for; else findings.

Called by `files.py` for every document. Deliberately not here: rules between fields (`within.py`) and between documents
(`across.py`).
"""

import difflib
import itertools

from reconciler.parse import schemas, wording
from reconciler.parse.nodes import MAX_FINDINGS, Node
from reconciler.parse.problems import Finding, shown


def check(document: Node) -> tuple[str | None, list[Finding]]:
    """The kind of a document of ours (None where it is not known), and what is wrong with its shape."""
    kind, findings = _kind(document)
    if kind is None or findings:
        return kind, findings
    return kind, _complaints(kind, document)


def _complaints(kind: str, document: Node) -> list[Finding]:
    if schemas.accepts(kind)(document.data):
        return []
    found: list[Finding] = []
    for error in schemas.validator(kind).iter_errors(document.data):
        found += itertools.islice(wording.explain(document, error), MAX_FINDINGS)
        if len(found) >= MAX_FINDINGS:
            break
    if not found:  # the two disagree: a bug of ours, but never a reason to let the document pass
        what = f"this {kind} has not the shape of its schema, and no validator says why"
        found.append(Finding(*document.position, "shape", what, "please report this document"))
    return sorted(set(found))[:MAX_FINDINGS]


def _kind(document: Node) -> tuple[str | None, list[Finding]]:
    if not document.fields:
        return None, [_foreign(document, "this document is not a mapping with apiVersion and kind")]
    version, kind = document.find("apiVersion"), document.find("kind")
    if version is document or not isinstance(version.data, str):
        return None, [_foreign(document, "this document has no apiVersion")]
    if version.data != schemas.API_VERSION:
        return None, [_version(version)]
    if kind is document or not isinstance(kind.data, str):
        to_do = f"add `kind: {' or '.join(schemas.KINDS)}`"
        return None, [Finding(*document.position, "missing-field", "this document has no kind", to_do)]
    if kind.data not in schemas.KINDS:
        near = difflib.get_close_matches(kind.data[:64], schemas.KINDS, n=1, cutoff=0.5)
        to_do = f"did you mean `{near[0]}`?" if near else f"write {' or '.join(schemas.KINDS)}"
        return None, [Finding(*kind.position, "unknown-kind", f"there is no kind {shown(kind.data)}", to_do)]
    return kind.data, []


def _version(node: Node) -> Finding:
    text = str(node.data)
    if text.startswith(schemas.API_VERSION.partition("/")[0] + "/"):
        what = f"this version of reconciler does not know {shown(text)}"
        return Finding(*node.position, "unknown-version", what, f"write `{schemas.API_VERSION}`")
    return _foreign(node, f"a document of {shown(text)} is none of ours")


def _foreign(node: Node, what: str) -> Finding:
    to_do = (
        f"write `apiVersion: {schemas.API_VERSION}`; or, if the file is meant for another program, move it out of the "
        "watched path or into a folder whose name begins with a dot"
    )
    return Finding(*node.position, "foreign-document", what, to_do)
