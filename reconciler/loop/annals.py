"""What first-parent history holds of a few models: the chapters of each.

Used by `Author`. The trail of a document (`source/trail.py`) has every commit that changed it; here these are taken
together to the stretches in which the same was to be served. What was never in force is no chapter: a document that
was not sound, or one in a commit with any other that was not, unless later commits kept it and put that right.
Deliberately not here: judging anything.
"""

from itertools import islice

from reconciler import propose
from reconciler.ports import Lineage
from reconciler.propose import Chapter
from reconciler.source.trail import Trail

LIMIT = 1000
"""Changes of one document that are read back. What is older than that is as if it had never been."""


def chapters(line: Lineage, below: str, head: str, documents: frozenset[str]) -> dict[str, tuple[Chapter, ...]]:
    """The chapters of each of these models, newest first, from a commit back.

    Raises:
        SourceError: the repository cannot be read.
    """
    return {each: _of_one(line, below, head, each) for each in sorted(documents)}


def _of_one(line: Lineage, below: str, head: str, document: str) -> tuple[Chapter, ...]:
    found: list[Chapter] = []
    last: str | None = head
    for step in islice(Trail(line, below).of_model(head, document), LIMIT):
        if last is None:
            break
        after = step.asked[0].after if step.asked else None
        mended = not step.problem or last != step.commit.id
        if mended and (after is None or after.model is not None):
            spec = propose.spec_of(after.model) if after is not None and after.model is not None else None
            found.append(Chapter(spec, step.commit, line.commit(last)))
        last = next(iter(line.ids(step.commit.id)))[1]
    return propose.joined(found)
