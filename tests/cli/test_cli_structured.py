"""What the service does not load: it costs memory on every machine that runs one."""

import subprocess
import sys

PROGRAM = """
import sys
import reconciler.cli.service
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"rich", "pygments", "attr", "fsspec", "jsonschema"}))
import rich.console, rich.traceback
"""


def test_service_starts_without_drawing_or_remote_storage_and_rich_is_there_for_who_wants_it_later() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.stdout.strip(), ended.stderr, ended.returncode) == ("", "", 0)
