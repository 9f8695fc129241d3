"""Going back and looking back by our own commands: `reconciler rollback`, `reconciler history`.

Called by `story.py`. The commands are run as a person would run them; what they say is printed, and then held against
what the story knows to have happened.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from reconciler.cli.demo.commits import Author, Repository
from reconciler.cli.demo.timeline import Timeline

SHOWN = 2
"""Commits of which the text is printed: the promotion and its revert."""


async def go_back(state: Path, repository: Repository, author: Author, model: str) -> str:
    """`reconciler rollback MODEL --push`; the id of the commit that it made."""
    who = {"GIT_AUTHOR_NAME": author.name, "GIT_AUTHOR_EMAIL": author.email}
    push = ("--repo", str(repository.origin), "--state", str(state), "--push", "-o", "json")
    await _run(["rollback", model, "--reason", "its signature breaks clients", *push], who)
    return await asyncio.to_thread(repository.pull)


async def look_back(state: Path, model: str, promotion: tuple[str, str], timeline: Timeline) -> None:
    """Print the history of a model around a promotion, and claim that it says who took it back.

    Args:
        state: the state directory of the service.
        model: the one that was promoted.
        promotion: the commit of the promotion, and the one that reverted it.
        timeline: where it is told.
    """
    promoted, reverted = promotion
    rows = {row["commit"]["id"]: row for row in json.loads(await _ask(state, model, "-o", "json"))["rows"]}
    text = await _ask(state, model)
    wanted = [each for each in text.split("\n\n") if each.startswith((promoted[:10], reverted[:10]))][:SHOWN]
    for line in "\n".join(wanted).splitlines():
        timeline.say(f"          {line}")
    timeline.claim(_told(rows, promoted, reverted), "history: the promotion was done, then rolled back by the revert")


def _told(rows: dict[str, Any], promoted: str, reverted: str) -> bool:
    """Whether both were done on every server, and the one is known to have taken the other back."""
    both = [rows[each] for each in (promoted, reverted) if each in rows]
    done = all({server["outcome"] for server in row["servers"]} == {"Done"} for row in both)
    back = [{"commit": reverted, "proven": True}]
    return len(both) == SHOWN and done and both[0]["rolledBackBy"] == back


async def _ask(state: Path, model: str, *options: str) -> str:
    return await _run(["history", model, "--state", str(state), "-n", "50", *options])


async def _run(argv: list[str], environment: dict[str, str] | None = None) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "reconciler", *argv),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )
    out, said = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"`reconciler {argv[0]}` ended with {process.returncode}: {said.decode().strip()}")
    return out.decode()
