"""The demo's git repository: documents made from `examples_repo`, edited in a working copy, pushed to a bare one.

Called by `story.py`. Uses the git command, as people do; `git revert` is the real one.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Author:
    """Who commits."""

    name: str

    @property
    def email(self) -> str:
        """An address that is nobody's."""
        return f"{self.name.lower()}@example.org"


class Repository:
    """A working copy and the bare repository that the service follows."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        self.origin = folder / "models.git"

    def create(self) -> None:
        """Make both, empty."""
        self.work.mkdir(parents=True, exist_ok=True)
        self._git("init", "--quiet", "--initial-branch=main", str(self.work))
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(self.origin))
        self._git("remote", "add", "origin", str(self.origin))

    def commit(self, author: Author, message: str) -> str:
        """Commit everything as it stands and return the commit's id; it is not pushed yet."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message, author=author)
        return self.head()

    def revert(self, author: Author, commit: str) -> str:
        """`git revert` of a commit; the id of the commit that takes it back."""
        self._git("revert", "--no-edit", commit, author=author)
        return self.head()

    def push(self) -> None:
        """Publish what was committed."""
        self._git("push", "--quiet", "origin", "main")

    def pull(self) -> str:
        """Take up what somebody else pushed; the id of the newest commit."""
        self._git("pull", "--quiet", "--ff-only", "origin", "main")
        return self.head()

    def published(self) -> str:
        """The newest commit that was pushed, by whomever."""
        return self._git("ls-remote", "origin", "refs/heads/main").split("\t")[0]

    def head(self) -> str:
        """The newest commit of the working copy."""
        return self._git("rev-parse", "HEAD").strip()

    def subject(self, commit: str) -> str:
        """The first line of its message."""
        return self._git("log", "-1", "--format=%s", commit).strip()

    def author(self, commit: str) -> str:
        """Who wrote it, by name."""
        return self._git("log", "-1", "--format=%an", commit).strip()

    def same(self, path: Path, one: str, other: str) -> bool:
        """Whether a file is the same in two commits."""
        name = path.relative_to(self.work)
        return self._git("rev-parse", f"{one}:{name}") == self._git("rev-parse", f"{other}:{name}")

    def _git(self, *arguments: str, author: Author | None = None) -> str:
        who = author or Author("Demo")
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            **{f"GIT_{role}_NAME": who.name for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_EMAIL": who.email for role in ("AUTHOR", "COMMITTER")},
        }
        command = ["git", "-C", str(self.work), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout
