"""The local file system, as the core looks at it. Implements ``core.ports.Disk``; used by the real server only."""

import os


class LocalDisk:
    """Quick looks; every call goes to the file system anew."""

    def exists(self, path: str) -> bool:
        """Whether anything is at ``path``."""
        return os.path.exists(path)  # noqa: PTH110  # called for every model at every poll

    def children(self, base_path: str) -> tuple[str, ...]:
        """Names below ``base_path``."""
        return tuple(os.listdir(base_path))  # noqa: PTH208  # only names are wanted

    def is_dir(self, path: str) -> bool:
        """Whether ``path`` is a directory that can be listed."""
        return os.path.isdir(path) and os.access(path, os.R_OK | os.X_OK)  # noqa: PTH112  # as above
