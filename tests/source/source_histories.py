"""Repositories whose commits change a fleet of models, and readers that count what they read."""

from pathlib import Path

from repositories import Content, Repository

from reconciler.adapters.git_line import GitLine

FLEET = """
apiVersion: reconciler.tfserving/v1alpha1
kind: Fleet
metadata: {name: eu}
spec:
  servers:
    - {name: gpu-1, grpc: "gpu-1:8500", labels: {tier: prod}}
    - {name: gpu-2, grpc: "gpu-2:8500", labels: {tier: prod}}
"""
THREE = FLEET + '    - {name: gpu-3, grpc: "gpu-3:8500", labels: {tier: test}}\n'


def document(name: str, versions: str = "[41]", stable: int = 41, *, more: str = "") -> str:
    """A Model on every server of the fleet `eu`; `more`: further lines of its spec."""
    return (
        f"apiVersion: reconciler.tfserving/v1alpha1\nkind: Model\nmetadata: {{name: {name}}}\nspec:\n"
        f"  placement: [{{fleet: eu}}]\n  basePath: /models/fashion\n  versions:\n    specific: {versions}\n"
        f"  labels:\n    stable: {stable}\n{more}"
    )


class CountingLine(GitLine):
    """A line that counts which blobs are read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.read_blobs: list[str] = []

    def read(self, blob: str, limit: int) -> bytes:
        self.read_blobs.append(blob)
        return super().read(blob, limit)


class Story:
    """A repository whose commits say only what they change; None removes a file."""

    def __init__(self, path: Path) -> None:
        self.repository = Repository(path)
        self.files: dict[str, Content] = {"fleet.yaml": FLEET}

    def commit(self, changes: dict[str, Content | None], message: str = "Change something") -> str:
        for path, content in changes.items():
            if content is None:
                del self.files[path]
            else:
                self.files[path] = content
        return self.repository.commit(self.files, message)

    def line(self) -> CountingLine:
        return CountingLine(self.repository.path)
