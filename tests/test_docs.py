"""The documents say what is the case: every code block is run or checked, every link leads somewhere.

Languages: `bash` (make targets, our commands with their options, the real server's flags), `yaml` (documents that
parse as a desired state), `python` (runs), `json`, `toml`, `ini`, `proto` (parse), `text` and `mermaid` (drawings).
A block in any other language, or in none, fails: it could not be checked.
"""

import configparser
import contextlib
import io
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from reconciler import parse, plan
from reconciler.cli import app
from reconciler.expose.outline import Subject
from reconciler.expose.text import plan_text
from reconciler.modelserver import flagsyntax
from reconciler.state.desired import Commit
from reconciler.wire import text

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("docs", "examples_repo", "bench")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])

# What a reader's shell has anyway. Anything else in a bash block is ours or TensorFlow Serving's and is checked.
ORDINARY = {
    "cat",
    "cd",
    "cp",
    "docker",
    "echo",
    "export",
    "git",
    "gpg",
    "mkdir",
    "printf",
    "python3.12",
    "sed",
    "sha256sum",
    "sqlite3",
    "ssh-keygen",
    "tr",
}
DRAWINGS = {"text", "mermaid", "diff"}


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    body: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}:{self.language}"


def blocks() -> Iterator[Block]:
    for page in PAGES:
        content = page.read_text(encoding="utf-8")
        for found in re.finditer(r"^ *```(\w*)[^\n]*\n(.*?)^ *```$", content, re.MULTILINE | re.DOTALL):
            yield Block(page, content.count("\n", 0, found.start()) + 1, found[1], found[2])


BLOCKS = list(blocks())


def of_language(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages]


def commands(block: Block) -> Iterator[list[str]]:
    """The commands of a bash block as words, without comments, prompts, redirections and continuation."""
    joined = block.body.replace("\\\n", " ")
    for line in joined.splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        command: list[str] = []
        for word in [*words, "&&"]:
            if word in {"&&", "||", "|", ";", "&"}:
                yield from [command] if command else []
                command = []
            else:
                command.append(word)


def option_names(command: Any) -> set[str]:
    return {name for each in command.params for name in [*each.opts, *each.secondary_opts]} | {"--help"}


def check_ours(words: list[str]) -> None:
    """A command of ours exists and has the options that are given."""
    root: Any = typer.main.get_command(app.app)
    if words[0].startswith("-"):
        assert words[0] in option_names(root)
        return
    if words[0] == "model-server":
        assert flagsyntax.parse(words[1:]).unknown == ()
        return
    command, rest = root.commands.get(words[0]), words[1:]
    if hasattr(command, "commands"):  # a verb with verbs of its own, such as `ledger`
        command, rest = command.commands.get(rest[0]), rest[1:]
    assert command is not None, f"no command {' '.join(words[:2])}"
    given = [word.split("=")[0] for word in rest if word.startswith("-") and word != "-"]
    assert [name for name in given if name not in option_names(command)] == []


def check_command(words: list[str]) -> None:
    program = Path(words[0]).name
    if program == "reconciler":
        check_ours(words[1:])
    elif program == "make":
        targets = re.findall(r"^([\w.-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert [word for word in words[1:] if "=" not in word and word not in targets] == []
    elif program == "tensorflow_model_server":
        assert flagsyntax.parse(words[1:]).unknown == ()
    else:
        assert program in ORDINARY | {"pip", "python"}, f"{program} is not checked by this test"


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_block_is_in_a_language_that_is_checked(block: Block) -> None:
    assert block.language in {"bash", "yaml", "python", "json", "toml", "ini", "proto"} | DRAWINGS


@pytest.mark.parametrize("block", of_language("bash"), ids=str)
def test_commands_exist_with_the_options_given(block: Block) -> None:
    for words in commands(block):
        check_command(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_named_in_the_text_exist(page: Path) -> None:
    for command in re.findall(r"`((?:reconciler|make) [a-z][^`]*)`", page.read_text(encoding="utf-8")):
        check_command(shlex.split(command.replace("…", "x")))


def documents_of(page: Path) -> list[parse.SourceFile]:
    found = [block for block in of_language("yaml") if block.page == page and "apiVersion: reconciler" in block.body]
    return [parse.SourceFile(f"{block.line}.yaml", str(block), block.body.encode()) for block in found]


@pytest.mark.parametrize("page", sorted({block.page for block in of_language("yaml")}), ids=lambda page: page.name)
def test_yaml_of_a_page_is_a_valid_desired_state(page: Path) -> None:
    parsed = parse.parse(Commit("0" * 40), documents_of(page))
    assert parsed.problems == ()


@pytest.mark.parametrize("block", of_language("json", "toml", "ini", "proto"), ids=str)
def test_data_block_parses(block: Block) -> None:
    match block.language:
        case "json":
            json.loads(block.body)
        case "toml":
            tomllib.loads(block.body)
        case "proto":
            text.parse(block.body)
        case _:
            configparser.ConfigParser(strict=False, interpolation=None).read_string(block.body)


def test_python_blocks_run() -> None:
    for block in of_language("python"):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(block.body, str(block), "exec"), {})


def anchors(page: Path) -> set[str]:
    """The anchors that a git host gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{target} does not exist"
        assert not anchor or anchor in anchors(linked), f"{target}: no such heading"


def test_readme_shows_the_plan_of_its_own_repository() -> None:
    documents = documents_of(ROOT / "README.md")
    promoted = [
        parse.SourceFile(
            each.path, f"{each.blob} promoted", each.data.replace(b"[1]", b"[2]").replace(b"stable: 1", b"stable: 2")
        )
        for each in documents
    ]
    before, after = (parse.parse(Commit("0" * 40), files).require() for files in (documents, promoted))
    rest = {old.id: plan.at_rest(old, also=new) for old, new in zip(before.servers, after.servers, strict=True)}
    console = Console(width=1000)
    with console.capture() as printed:
        console.print(plan_text(plan.plan(after, rest), Subject(after.commit, "")))
    shown = next(block.body for block in of_language("text") if block.page.name == "README.md")
    assert [line for line in shown.splitlines() if line not in printed.get().splitlines()] == []


def test_readme_names_the_test_command_that_ci_runs() -> None:
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "step make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
