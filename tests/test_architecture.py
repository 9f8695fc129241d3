"""The house is as docs/architecture.md says: contracts that bite, small files, documented modules, full reference."""

import ast
import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from reconciler.state.plan import HoldReason

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "reconciler"
SOURCES = sorted(PACKAGE.rglob("*.py"))
EVERY_FILE = sorted([*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")])

LINES_PER_FILE = 400
LINES_PER_FUNCTION = 60

# What each package gives to the others, and nothing else is asked for.
INTERFACES = {
    "belief": (
        "first_contact",
        "questions",
        "learn",
        "believe",
        "sending",
        "answered",
        "reached",
        "checked",
        "fence_seconds",
    ),
    "invariants": ("check_pass", "check_config", "Violation"),
    "windows": ("frozen",),
    "plan": ("plan", "plan_server", "at_rest", "reached"),
    "plan.forecast": ("settle",),
    "observe": ("look",),
    "execute": ("send", "settle", "check"),
    "wire.config": ("to_proto", "from_proto"),
    "wire.text": ("render", "parse"),
    "parse": ("parse", "Parsed", "SourceFile"),
    "adapters.git": ("GitMirror",),
    "adapters.serving": ("GrpcClients",),
    "adapters.storage": ("FsspecStore",),
    "adapters.ledger": ("SqliteLedger",),
    "adapters.clock": ("SystemClock",),
    "loop": ("Lane", "Service"),
    "modelserver": ("main",),
    "cli": ("main",),
}

# One trespass for each contract of pyproject.toml: the file to add, and what it says.
TRESPASSES = {
    "layers": ("plan/trespass.py", "import reconciler.loop"),
    "pure": ("belief/trespass.py", "import time"),
    "clock": ("observe/trespass.py", "import socket"),
    "outside": ("cli/trespass.py", "import pygit2"),
    "stubs": ("adapters/trespass.py", "import tensorflow"),
    "command-line": ("loop/trespass.py", "import typer"),
    "modelserver-apart": ("adapters/trespass_too.py", "import reconciler.modelserver"),
    "modelserver-alone": ("modelserver/trespass.py", "import reconciler.plan"),
    "modelserver-core": ("modelserver/core/trespass.py", "import numpy"),
}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def contracts() -> dict[str, str]:
    """Id to name of every import contract."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["id"]: contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}


def lint_imports(folder: Path) -> str:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False).stdout


@pytest.fixture(scope="module")
def verdict_on_trespasses(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy of the package in which every contract is broken once."""
    folder = tmp_path_factory.mktemp("trespasses")
    shutil.copytree(PACKAGE, folder / "reconciler", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for path, line in TRESPASSES.values():
        (folder / "reconciler" / path).write_text(f"{line}\n", encoding="utf-8")
    return lint_imports(folder)


def test_every_contract_has_a_trespass() -> None:
    assert set(contracts()) == set(TRESPASSES)


@pytest.mark.parametrize("contract", TRESPASSES)
def test_trespass_breaks_its_contract(contract: str, verdict_on_trespasses: str) -> None:
    assert f"{contracts()[contract]} BROKEN" in verdict_on_trespasses


def test_package_without_a_place_breaks_the_layers(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "reconciler", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "reconciler" / "homeless.py").write_text("", encoding="utf-8")
    assert "homeless" in lint_imports(tmp_path)


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), "no module docstring"


@pytest.mark.parametrize("path", EVERY_FILE, ids=relative)
def test_file_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES_PER_FILE


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", EVERY_FILE, ids=relative)
def test_functions_are_short(path: Path) -> None:
    long = [each.name for each in functions(path) if (each.end_lineno or 0) - each.lineno + 1 > LINES_PER_FUNCTION]
    assert long == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_name_says_what_is_inside(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "common", "misc", "manager", "model", "models", "data"} or (
        "modelserver/core" in path.as_posix()  # TensorFlow Serving calls that actor its manager, and so do its readers
    )


@pytest.mark.parametrize("package", INTERFACES)
def test_package_gives_what_others_ask_for(package: str) -> None:
    module = importlib.import_module(f"reconciler.{package}")
    assert [name for name in INTERFACES[package] if not hasattr(module, name)] == []


@pytest.mark.parametrize("reason", HoldReason)
def test_hold_reason_has_a_section_in_the_planning_page(reason: HoldReason) -> None:
    page = (ROOT / "docs" / "planning.md").read_text(encoding="utf-8")
    assert re.search(rf"^#+ .*\b{reason.value}\b", page, re.MULTILINE), f"no section on {reason.value}"


def drawn() -> list[str]:
    """The first level of the tree that docs/architecture.md draws."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = page.split("```text\nreconciler/\n", 1)[1].split("```", 1)[0]
    return sorted(re.findall(r"^  (\w+(?:/|\.py))", tree, re.MULTILINE))


def built() -> list[str]:
    """The first level of the package as it is; `__init__`, `__main__` and the typing marker need no drawing."""
    packages = [f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")]
    modules = [path.name for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")]
    return sorted([*packages, *modules])


def test_architecture_page_draws_the_packages_that_exist() -> None:
    assert drawn() == built()


def test_architecture_page_names_every_contract() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert [name for name in contracts().values() if name not in page] == []
