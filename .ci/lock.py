"""Write requirements.lock from what is installed here: the tested versions of everything, with markers.

`make lock` runs it in a fresh environment. The lock holds the transitive closure of the project's dependencies and of
its test, lint and build tools for every supported Python, as plain `name==version` lines: no index addresses, so it
works behind any mirror, and no hashes, so it works with wheels that a site has rebuilt. A package that only some
Pythons need carries a marker.
"""

import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYTHONS = ("3.11", "3.12", "3.13")
ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# The versions this project is tested with: run time, tests, lint and build, for Python 3.11 to 3.13.
# Written by `make lock`; `make` installs from it, then the project itself without dependencies.
"""


def roots() -> list[Requirement]:
    """What pyproject.toml names: run time, groups, and what builds the project (hatchling asks for `editables`)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [line for group in project["dependency-groups"].values() for line in group]
    lines = [*project["project"]["dependencies"], *groups, *project["build-system"]["requires"], "editables"]
    return [Requirement(line) for line in lines]


def below(requirement: Requirement, python: str) -> Iterator[Requirement]:
    """What a requirement brings along under that Python."""
    for line in metadata.requires(requirement.name) or []:
        child = Requirement(line)
        for extra in ("", *requirement.extras):
            environment = {**default_environment(), "python_version": python, "python_full_version": f"{python}.0"}
            if child.marker is None or child.marker.evaluate({**environment, "extra": extra}):
                yield child
                break


def closure(python: str) -> set[str]:
    """The names of everything needed under that Python."""
    found: set[tuple[str, frozenset[str]]] = set()
    waiting = roots()
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key not in found:
            found.add(key)
            waiting += below(requirement, python)
    return {name for name, _ in found}


def line(name: str, needed: list[str]) -> str:
    """One line of the lock."""
    pinned = f"{name}=={metadata.version(name)}"
    if needed == list(PYTHONS):
        return pinned
    return pinned + " ; " + " or ".join(f'python_version == "{python}"' for python in needed)


def main() -> None:
    """Write the lock."""
    needed = {python: closure(python) for python in PYTHONS}
    names = sorted(set().union(*needed.values()))
    lines = [line(name, [python for python in PYTHONS if name in needed[python]]) for name in names]
    (ROOT / "requirements.lock").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"requirements.lock: {len(lines)} packages\n")


if __name__ == "__main__":
    main()
