"""Commits that are made here: YAML edited by splicing text at node positions, and the messages that carry trailers.

Everything that an edit was not asked to change stays byte-identical. Pure text in, `Revision` out; making git objects
of it and pushing them is an adapter's (`ports.Revisions`).

    find → Where(path, document) ── set_labels, set_versions, put, drop, insert ──► text
    cut → Chunk ── replace_document, append_document, remove_document ──► text
    compose ──► message

Texts are files' contents as `decoded` gives them; documents count from 0. Whatever cannot be done safely raises
`RevisionRefused`; put the path into it with `told`.
"""

from reconciler.revise.chunks import Chunk, append_document, cut, remove_document, replace_document
from reconciler.revise.documents import Where, decoded, find, named, set_labels, set_versions, told
from reconciler.revise.message import compose
from reconciler.revise.spans import values
from reconciler.revise.splice import drop, insert, put

__all__ = [
    "Chunk",
    "Where",
    "append_document",
    "compose",
    "cut",
    "decoded",
    "drop",
    "find",
    "insert",
    "named",
    "put",
    "remove_document",
    "replace_document",
    "set_labels",
    "set_versions",
    "told",
    "values",
]
