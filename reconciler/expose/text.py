"""A plan as text for a terminal: a Terraform plan crossed with a runbook.

Called by `plan`, `apply` and the demo. Returns rich Text, so that the console decides about colours (NO_COLOR and pipes
are honoured by rich); lines are never wrapped by us, so that the plain text is the same everywhere.
"""

from dataclasses import replace

from rich.text import Text

from reconciler.expose import outline, words
from reconciler.state.plan import Plan

STYLES = {"+": "green", "-": "red", "~": "yellow", "?": "cyan"}


def plan_text(plan: Plan, subject: outline.Subject) -> Text:
    """The whole plan: heading, one section per server, summary."""
    text = Text(outline.heading(subject) + "\n")
    for names, section in _folded(plan):
        text.append("\n")
        _section(text, words.names(names), section)
    text.append("\n")
    text.append(outline.summary(plan) + "\n", "bold")
    return text


def _folded(plan: Plan) -> list[tuple[list[str], outline.Section]]:
    """Servers of which the very same is to be said, together, in the order of the first of each."""
    found: dict[outline.Section, list[str]] = {}
    for server in plan.servers:
        section = outline.section(server)
        found.setdefault(replace(section, server=""), []).append(section.server)
    return [(names, section) for section, names in found.items()]


def _section(text: Text, name: str, section: outline.Section) -> None:
    text.append(name, "bold").append(f"  {section.verdict}\n", "dim" if section.quiet else "")
    width = max((len(line.deed) for stage in section.stages for line in stage.lines), default=0)
    names = max((len(line.model) for stage in section.stages for line in stage.lines), default=0)
    for stage in section.stages:
        text.append(f"\n  {stage.heading}\n", "bold")
        for line in stage.lines:
            _line(text, line, names, width)
        for gap in stage.gaps:
            text.append(f"      ! {gap}\n", "magenta")
    _held(text, section)
    _list(text, "Kept loaded", section.kept, "")
    _list(text, "Memory", section.memory, "")
    _list(text, "What clients notice", section.traffic, "")
    _list(text, "Warnings", section.warnings, "yellow")


def _line(text: Text, line: outline.Line, names: int, width: int) -> None:
    text.append(f"      {line.sign} {line.model:<{names}}  {line.deed}", STYLES.get(line.sign, ""))
    if line.because:
        text.append(" " * (width - len(line.deed)) + f"   {line.because}", "dim")
    text.append("\n")


def _held(text: Text, section: outline.Section) -> None:
    if section.held:
        text.append("\n  Held\n", "bold")
    for held in section.held:
        text.append(f"      {'…' if held.progressing else '!'} {held.subject}", "" if held.progressing else "red")
        text.append(f"  {held.reason}: {held.detail}\n")
        text.append(f"          released by {held.released_by}\n", "dim")
        if held.until:
            text.append(f"          until {held.until} at the latest\n", "dim")


def _list(text: Text, title: str, lines: tuple[str, ...], style: str) -> None:
    if lines:
        text.append(f"\n  {title}\n", "bold")
    for line in lines:
        text.append(f"      {line}\n", style)
