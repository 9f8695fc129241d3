"""The page on the life of a version says what the core does."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.modelserver.core import mermaid
from reconciler.modelserver.core.lifecycle import SHOWS, Event

PAGE = Path(__file__).resolve().parents[3] / "docs" / "model-server.md"


def test_the_page_shows_the_table_as_the_program_draws_it() -> None:
    drawings = re.findall(r"```mermaid\n(stateDiagram.*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert drawings == [mermaid()]


def test_the_drawing_says_what_each_event_shows() -> None:
    said = {line.split(": ", 1)[1] for line in mermaid().splitlines() if ": " in line}
    shown = {f"{event.value} (shows {state.name})" for event, state in SHOWS.items()}
    assert shown | {event.value for event in Event if event not in SHOWS} < said
