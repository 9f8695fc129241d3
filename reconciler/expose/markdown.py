"""A plan as Markdown for a pull request comment: one sticky comment, collapsible per server.

Called by `plan -o markdown`. The hidden marker in the first line lets a workflow find its own comment and replace it;
GitHub refuses comments of 65,536 characters and more, so what does not fit is left out with a note that says so.
"""

from reconciler.expose import outline, words
from reconciler.state.plan import Plan, ServerPlan

LIMIT = 65_535
MARKER = "<!-- reconciler:plan -->"


def plan_markdown(plan: Plan, subject: outline.Subject) -> str:
    """The whole comment, shorter than GitHub's limit."""
    head = f"{MARKER}\n### {outline.summary(plan)}\n\n{_escaped(outline.heading(subject))}\n"
    foot = f"\n<sub>Fingerprint `{plan.fingerprint}`.</sub>\n"
    parts = [_server(server) for server in plan.servers]
    return head + _fitting(parts, LIMIT - len(head) - len(foot)) + foot


def _fitting(parts: list[str], room: int) -> str:
    note = "\n> {left} of {all} not shown: a comment holds 65,536 characters. `reconciler plan` prints the rest.\n"
    room -= len(note) + 20
    text = ""
    for number, part in enumerate(parts):
        if len(text) + len(part) > room:
            left = len(parts) - number
            return text + note.format(left=words.count(left, "server"), all=len(parts))
        text += part
    return text


def _server(server: ServerPlan) -> str:
    section = outline.section(server)
    title = f"<b>{_escaped(section.server)}</b> — {_escaped(section.verdict)}"
    if section.quiet:
        return f"\n{title}\n"
    body = "".join([*map(_stage, section.stages), _held(section), *_notes(section)])
    return f"\n<details open><summary>{title}</summary>\n\n{body}\n</details>\n"


def _stage(stage: outline.Stage) -> str:
    rows = "".join(
        f"| `{line.sign}` | {_cell(line.model)} | {_cell(line.deed)} | {_cell(line.because)} |\n"
        for line in stage.lines
    )
    gaps = "".join(f"\n> ⚠ {_escaped(gap)}\n" for gap in stage.gaps)
    return f"**{_escaped(stage.heading)}**\n\n| | model | action | because |\n|---|---|---|---|\n{rows}{gaps}\n"


def _held(section: outline.Section) -> str:
    if not section.held:
        return ""
    rows = "".join(
        f"| {_cell(held.subject)} | `{held.reason}` | {_cell(held.detail)} | {_cell(held.released_by)} "
        f"| {held.until or '–'} |\n"
        for held in section.held
    )
    return f"**Held**\n\n| what | reason | detail | released by | until |\n|---|---|---|---|---|\n{rows}\n"


def _notes(section: outline.Section) -> list[str]:
    notes = (
        ("Kept loaded", section.kept),
        ("Memory", section.memory),
        ("What clients notice", section.traffic),
        ("Warnings", section.warnings),
    )
    return [f"**{title}**\n\n{_bullets(lines)}\n" for title, lines in notes if lines]


def _bullets(lines: tuple[str, ...]) -> str:
    return "".join(f"- {_escaped(line)}\n" for line in lines)


def _cell(text: str) -> str:
    return _escaped(text).replace("|", "\\|") or " "


def _escaped(text: str) -> str:
    """Text from git or a server as it stands: no markup, no mention, and never the end of our own marker."""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "@\u200b")):
        text = text.replace(character, entity)
    for character in "\\`*_[]":
        text = text.replace(character, "\\" + character)
    return " ".join(text.split("\n"))
