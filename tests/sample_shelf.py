"""Samples exported once for all tests, and version directories copied from them.

Exported in a process of its own, so that the test process never loads TensorFlow. Used through the fixture ``shelf``.
"""

import dataclasses
import subprocess
import sys
from pathlib import Path

from reconciler.modelserver import samples

EXPORT = """
import sys
from pathlib import Path
from reconciler.modelserver import samples
for kind in samples.KINDS:
    for version in (1, 2):
        samples.export(kind, Path(sys.argv[1]) / kind, version)
samples.export("half-plus", Path(sys.argv[1]) / "heavy", 1, ballast=80_000_000)
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Shelf:
    """Samples exported once; tests copy version directories from it."""

    exported: Path

    def publish(self, base_path: Path, *versions: int, kind: str = "half-plus") -> Path:
        """Versions 1 and 2 are real exports; any other number answers as version 1 does."""
        for version in versions:
            source = version if version in {1, 2} else 1
            samples.publish(self.exported / kind / str(source), base_path, version)
        return base_path


def export_into(folder: Path) -> Shelf:
    """Run the export."""
    subprocess.run([sys.executable, "-c", EXPORT, str(folder)], check=True, timeout=120, capture_output=True)
    return Shelf(folder)
