"""A git repository as people have it: a bare remote and a working clone, driven with the git command."""

import subprocess
from pathlib import Path

from e2e_documents import Document, file_name, text

IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")


class Repository:
    """The branch `main`, here and there; every change is committed and pushed at once."""

    def __init__(self, folder: Path) -> None:
        self.remote = folder / "models.git"
        self.work = folder / "work"
        self.work.mkdir()
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        self._git("remote", "add", "origin", str(self.remote))

    def put(self, name: str, content: str) -> None:
        """Write a file that is no document; it travels with the next commit."""
        path = self.work / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)

    def commit(self, message: str, *documents: Document) -> str:
        """Write these documents, commit, push; the commit's id."""
        for document in documents:
            path = self.work / file_name(document)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text(document))
        return self._publish(message)

    def remove(self, message: str, document: Document) -> str:
        """Delete one document."""
        (self.work / file_name(document)).unlink()
        return self._publish(message)

    def remove_all(self, message: str) -> str:
        """Delete every document."""
        self._git("rm", "--quiet", "-r", ".")
        return self._publish(message)

    def revert(self, *options: str) -> str:
        """`git revert` of the newest commit; a merge wants `-m 1`."""
        self._git(*IDENTITY, "revert", "--no-edit", *options, "HEAD")
        self._git("push", "--quiet", "origin", "main")
        return self.head

    def branch(self, name: str, message: str, *documents: Document) -> None:
        """Write these documents on a branch of its own, commit, push; the clone stays on main."""
        self._git("checkout", "--quiet", "-b", name)
        for document in documents:
            (self.work / file_name(document)).write_text(text(document))
        self._git("add", "--all")
        self._git(*IDENTITY, "commit", "--quiet", "--message", message)
        self._git("push", "--quiet", "origin", name)
        self._git("checkout", "--quiet", "main")

    def branches(self) -> list[str]:
        """The branches of the remote."""
        said = self._git("ls-remote", "--heads", "origin")
        return [line.partition("refs/heads/")[2] for line in said.splitlines()]

    def pull(self) -> str:
        """Take up what others pushed; the newest commit."""
        self._git("pull", "--quiet", "--ff-only", "origin", "main")
        return self.head

    def merge(self, branch: str) -> str:
        """Merge a branch of the remote, as a person would who likes it; the newest commit."""
        self._git("fetch", "--quiet", "origin", branch)
        self._git(*IDENTITY, "merge", "--quiet", "--no-edit", "--no-ff", "FETCH_HEAD")
        self._git("push", "--quiet", "origin", "main")
        return self.head

    def message(self, commit: str = "HEAD") -> str:
        """The whole message of a commit."""
        return self._git("show", "--no-patch", "--format=%B", commit)

    def read(self, name: str) -> str:
        """A file as it is in the working clone."""
        return (self.work / name).read_text()

    def rewrite(self, message: str, document: Document) -> str:
        """Another commit in place of the newest, pushed by force."""
        (self.work / file_name(document)).write_text(text(document))
        self._git("add", "--all")
        self._git(*IDENTITY, "commit", "--quiet", "--amend", "--message", message)
        self._git("push", "--quiet", "--force", "origin", "main")
        return self.head

    @property
    def head(self) -> str:
        """The newest commit."""
        return self._git("rev-parse", "HEAD").strip()

    def _publish(self, message: str) -> str:
        self._git("add", "--all")
        self._git(*IDENTITY, "commit", "--quiet", "--message", message)
        self._git("push", "--quiet", "origin", "main")
        return self.head

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.work, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
        return done.stdout
