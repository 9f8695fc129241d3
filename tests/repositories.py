"""Real git repositories for tests, made in memory speed: no checkout, no git processes."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pygit2
from pygit2.enums import FileMode

Content = bytes | str


class Repository:
    """A bare repository; every commit's tree is given whole. Times count upwards, so ids are the same in every run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git = pygit2.init_repository(str(path), bare=True, initial_head="main")
        self._now = 1_700_000_000

    @property
    def url(self) -> str:
        return f"file://{self.path}"

    def commit(
        self,
        files: Mapping[str, Content],
        message: str = "Change something",
        *,
        branch: str = "main",
        parents: list[str] | None = None,
    ) -> str:
        """A commit on a branch with exactly these files; its parents are the branch's head unless they are given."""
        ref = sys.intern(f"refs/heads/{branch}")  # pygit2 keeps hold of every name that it looks up
        existing = self.git.references.get(ref)
        if parents is None:
            parents = [str(existing.target)] if existing else []
        self._now += 60
        who = pygit2.Signature("Ada", "ada@example.org", self._now, 0)
        made = self.git.create_commit(None, who, who, message, self.tree(files), parents)
        self.git.references.create(ref, made, force=True)
        return str(made)

    def tree(self, files: Mapping[str, Content]) -> pygit2.Oid:
        """A tree of nested paths; a value that begins with `->` is a symbolic link."""
        builder = self.git.TreeBuilder()
        folders: dict[str, dict[str, Content]] = {}
        for path, content in files.items():
            first, _, rest = path.partition("/")
            if rest:
                folders.setdefault(first, {})[rest] = content
            else:
                data = content.encode() if isinstance(content, str) else content
                link = data.startswith(b"->")
                builder.insert(first, self.git.create_blob(data), FileMode.LINK if link else FileMode.BLOB)
        for name, inside in folders.items():
            builder.insert(name, self.tree(inside), FileMode.TREE)
        return builder.write()

    def move(self, branch: str, commit: str) -> None:
        """Point a branch somewhere else, as a force-push does."""
        self.git.references.create(f"refs/heads/{branch}", commit, force=True)

    def drop(self, branch: str) -> None:
        self.git.references.delete(f"refs/heads/{branch}")
