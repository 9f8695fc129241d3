"""A plan as the body of one pull request comment: what reviewers must know first, then ever more detail.

Called by `plan -o markdown`. A hidden marker in the first line lets a workflow find its own comment and replace it.
Hosts refuse comments of 65,536 characters and more: what does not fit is left out from the bottom, so that the verdict,
the warnings and what would stop the change are always there (`fitting.py`). Every word of strangers goes through
`markup.py`.
"""

from collections.abc import Iterable, Iterator, Sequence

from reconciler.expose import folding, outline, words
from reconciler.expose.changes import Changes, ModelChange
from reconciler.expose.fitting import Part, fitted, weight
from reconciler.expose.markup import code, plain
from reconciler.expose.review import Review
from reconciler.state import footprint
from reconciler.state.plan import Plan

LIMIT = 65_535
_HEAD, _SHARE = 6_000, 9_000
_IN_FULL = 200
"""Groups of servers whose steps are written out in full; more have no room in one comment."""

_DETAIL = 600
"""Characters of one text of a plan: reasons, details, problems."""


def marker(key: str) -> str:
    """The hidden first line by which a workflow finds its comment."""
    return f"<!-- reconciler-plan:{key} -->"


def plan_markdown(review: Review) -> str:
    """The whole comment, shorter than any host's limit."""
    head = f"{marker(review.key)}\n### {_headline(review)}\n\n{_verdict(review)}\n\n{_made(review)}\n"
    parts = [
        Part("\n**Warnings**\n\n", _rows(_warnings(review)), "warning", _SHARE),
        Part(f"\n**What would stop it**\n\n{_STOPS}", _rows(_stops(review.plan)), "hold", _SHARE),
        Part(f"\n**What changes**\n\n{_CHANGES}", _rows(_changes(review.changes)), "change", _SHARE),
        Part("\n**Fleets and servers**\n\n", _rows(_fleets(review.changes)), "change", _SHARE // 2),
        Part(f"\n**For clients: {_COMPATIBLE}", _rows(_compatibility(review.plan)), "label move", _SHARE),
        Part("\n**Blast radius**\n\n", _rows(_blast(review)), "line", _SHARE // 2),
        Part(f"\n**Memory**\n\n{_MEMORY}", _rows(_memory(review.plan)), "line", _SHARE // 2),
        Part("\n**Not known from here**\n\n", _rows(_bullets(review.unknown)), "line", _SHARE // 3),
        Part("\n**Step by step**\n\n" + _orders(review), tuple(_steps(review.plan)), "server", LIMIT),
    ]
    return _closed(head, parts, review.command, f"Fingerprint {code(review.plan.fingerprint)}.")


def _closed(head: str, parts: Sequence[Part], command: str, said: str) -> str:
    foot, shorter = (
        f"\n<sub>{text}{said}</sub>\n"
        for text in ("", f"Shortened. {code(command, 600)} prints all of it, also in the log of CI. ")
    )
    body, cut = fitted(parts, LIMIT - weight(head) - weight(shorter))
    return head + body + (shorter if cut else foot)


def problems_markdown(key: str, what: str, problems: Sequence[str], command: str) -> str:
    """The comment for a commit whose documents are not valid: every problem with file and line."""
    head = (
        f"{marker(key)}\n### Not valid: {words.count(len(problems), 'problem')}\n\nThis is about {plain(what)}. "
        "It would not be put in force: the servers stay at the last valid commit until it is mended.\n"
    )
    rows = tuple((_problem(each),) for each in problems)
    return _closed(head, [Part("\n", rows, "problem", LIMIT)], command, "No plan was made.")


def refusal_markdown(key: str, message: str, paths: Sequence[str] = ()) -> str:
    """The comment where no plan could be made at all: a merge conflict, a commit that is not here."""
    title = "merge conflict" if paths else "it could not be made"
    head = f"{marker(key)}\n### No plan: {title}\n\n{plain(message, 4_000)}\n"
    rows = tuple((f"- {code(each)}\n",) for each in paths)
    return _closed(head, [Part("\n", rows, "file", LIMIT)], "reconciler plan", "No plan was made.")


def _problem(line: str) -> str:
    place, space, rest = line.partition(" ")
    return f"- {code(place)} {plain(rest, _DETAIL)}\n" if space and ":" in place else f"- {plain(line, _DETAIL)}\n"


def _rows(lines: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    return tuple((line,) for line in lines)


def _bullets(lines: Iterable[str]) -> Iterator[str]:
    yield from (f"- {plain(line, _DETAIL)}\n" for line in lines)


# What stands above everything else


def _headline(review: Review) -> str:
    busy = [each for each in review.plan.servers if each.passes or each.holds or each.differences]
    where = f"on {words.count(len(busy), 'server')}" if busy else "on no server"
    if review.changes is None:
        return f"Plan: {outline.counted(review.plan)}"
    names = review.changes.documents
    if not names:
        fleets = len(review.changes.fleets)
        return (
            f"Plan: no model changes, {words.count(fleets, 'setting')} of fleets" if fleets else "Plan: nothing changes"
        )
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    verb = "changes" if len(names) == 1 else "change"
    return f"Plan: {', '.join(code(each, 60) for each in names[:3])}{more} {verb} {where}"


def _verdict(review: Review) -> str:
    plan = review.plan
    stops = folding.stops(plan)
    said = [outline.counted(plan) + "."]
    if stops:
        named = ", ".join(code(each.held.reason) for each in stops[:5])
        said.append(f"⛔ **{words.count(len(stops), 'hold')} would stop it or part of it:** {named}.")
    gaps = [gap for server in plan.servers for body in server.passes for gap in body.gaps]
    if gaps:
        said.append(
            f"⚠ **{words.count(len({(each.model, each.label) for each in gaps}), 'label')} with an expected gap.**"
        )
    elif any(server.passes for server in plan.servers):
        said.append("No label is expected to pause.")
    elif not stops:
        said.append("Nothing to do: the servers are what the commit asks for.")
    for reason, count in folding.waiting(plan):
        said.append(f"{words.count(count, 'server')} first {'waits' if count == 1 else 'wait'}: {code(reason)}.")
    return " ".join(said)


def _made(review: Review) -> str:
    notices = "".join(f"\n> {plain(each, 800)}\n" for each in review.notices[:6])
    text = f"{plain(outline.heading(review.subject), 1_200)}\n{notices}"
    return text if weight(text) <= _HEAD else f"{plain(outline.heading(review.subject), 400)}\n"


# Rows of the sections


def _on(servers: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(code(each, 80) for each in servers[:most])
    return shown + (f" and {len(servers) - most} more" if len(servers) > most else "")


def _warnings(review: Review) -> Iterator[str]:
    for text, servers in folding.warnings(review.plan):
        yield f"- ⚠ {plain(text, _DETAIL)} — {_on(servers)}\n"
    for line in review.warnings:
        yield f"- {_problem(line).removeprefix('- ')}"
    if review.known_warnings:
        yield f"- {words.count(review.known_warnings, 'warning')} of `validate` that the base has as well\n"


_STOPS = "| what | reason | detail | released by | until | on |\n|---|---|---|---|---|---|\n"


def _stops(plan: Plan) -> Iterator[str]:
    for each in folding.stops(plan):
        held = each.held
        cells = (
            plain(held.subject, 200),
            code(held.reason),
            plain(held.detail, _DETAIL),
            plain(held.released_by, _DETAIL),
        )
        yield f"| {' | '.join(cells)} | {held.until or '–'} | {_on(each.servers)} |\n"


_CHANGES = "| model | on | labels | versions | besides | written in |\n|---|---|---|---|---|---|\n"


def _changes(changes: Changes | None) -> Iterator[str]:
    for each in changes.models if changes is not None else ():
        yield f"| {' | '.join(_change(each))} |\n"


def _change(each: ModelChange) -> Iterator[str]:
    yield code(each.model)
    yield _on(each.servers)
    for texts in (each.labels, each.versions, each.rest):
        more = f", {len(texts) - 12} more" if len(texts) > 12 else ""
        yield (", ".join(plain(text, 240) for text in texts[:12]) + more) or "–"
    yield code(f"{each.place.path}:{each.place.line}") if each.place.path else "–"


def _fleets(changes: Changes | None) -> Iterator[str]:
    yield from _bullets(changes.fleets if changes is not None else ())


_COMPATIBLE = "what labels go to**\n\n| model | move | compared with the version it leaves | on |\n|---|---|---|---|\n"


def _compatibility(plan: Plan) -> Iterator[str]:
    for each in folding.verdicts(plan):
        said = plain(each.text, _DETAIL) or "not compared"
        yield f"| {code(each.model)} | {plain(each.move, 200)} | {said} | {_on(each.servers)} |\n"


def _blast(review: Review) -> Iterator[str]:
    if review.changes is None:
        return
    busy = sum(bool(each.passes or each.holds) for each in review.plan.servers)
    names = len(review.changes.documents)
    yield f"- {words.count(names, 'model')} on {busy} of {words.count(len(review.plan.servers), 'server')}\n"
    for each in review.changes.removals:
        held = (
            ": **more than that, so they are held** until a commit says `Blast-Radius: confirmed`" if each.held else ""
        )
        yield (
            f"- Fleet {code(each.fleet)}: {each.gone} of {words.count(each.of, 'placement')} removed, "
            f"of {plain(each.limit)} that may go at once{held}\n"
        )


_MEMORY = "| server | before | peak | after | may take | |\n|---|---|---|---|---|---|\n"


def _memory(plan: Plan) -> Iterator[str]:
    for group in folding.groups(plan):
        use = group.memory
        if use is None or not group.section.memory or (use.unknown and not use.peak):
            continue
        sizes = (footprint.written(size) for size in (use.before, use.peak, use.after, use.budget - use.reserve))
        fullest = f" (the fullest of {len(group.servers)})" if len(group.servers) > 1 else ""
        said = [f"without {words.count(len(use.unknown), 'version')} of unknown size"] if use.unknown else []
        said += [f"{each.model}: auto comes to {each.policy}, {each.because}" for each in use.choices]
        yield f"| {code(group.fullest)}{fullest} | {' | '.join(sizes)} | {plain('; '.join(said), _DETAIL) or '–'} |\n"


# Step by step


def _orders(review: Review) -> str:
    lines = "".join(_bullets(review.orders[:20]))
    return f"{lines}\n" if lines else ""


def _steps(plan: Plan) -> Iterator[tuple[str, ...]]:
    for number, group in enumerate(folding.groups(plan)):
        title = f"<b>{code(group.title, 400)}</b> — {plain(group.section.verdict)}"
        if group.section.quiet:
            yield (f"{title}\n\n",)
            continue
        opened = "" if len(group.servers) > 1 else " open"
        details = (_full(group), _brief(group)) if number < _IN_FULL else (_brief(group),)
        yield (
            *(f"<details{opened}><summary>{title}</summary>\n\n{body}\n</details>\n\n" for body in details),
            f"{title}\n\n",
        )


def _full(group: folding.Group) -> str:
    section = group.section
    every = (
        f"All of them: {', '.join(code(each) for each in group.servers[:200])}.\n\n" if len(group.servers) > 3 else ""
    )
    stages = "".join(map(_stage, section.stages))
    notes = (("Kept loaded", section.kept), ("What clients notice", section.traffic))
    return every + stages + "".join(f"**{title}**\n\n{''.join(_bullets(lines))}\n" for title, lines in notes if lines)


def _stage(stage: outline.Stage) -> str:
    rows = "".join(
        f"| `{line.sign}` | {code(line.model)} | {plain(line.deed, 300)} | {plain(line.because, _DETAIL) or ' '} |\n"
        for line in stage.lines
    )
    gaps = "".join(f"\n> ⚠ {plain(gap, _DETAIL)}\n" for gap in stage.gaps)
    return f"**{plain(stage.heading)}**\n\n| | model | action | because |\n|---|---|---|---|\n{rows}{gaps}\n"


def _brief(group: folding.Group) -> str:
    """One line per pass."""
    return "".join(
        f"- Pass {number}: {plain('; '.join(f'{line.model} {line.deed}' for line in stage.lines), 400)}\n"
        for number, stage in enumerate(group.section.stages, 1)
    )
