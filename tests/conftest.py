"""What every test stands on: nothing of the person who runs it, and the same examples from hypothesis each time."""

import os
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from sample_shelf import Shelf

# The tester's own git settings, colours, terminal width and secrets must not decide a test. Set before anything is
# imported, because libgit2 and Rich read them once; processes that tests start inherit them.
os.environ.update(
    {
        "COLUMNS": "120",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TERM": "dumb",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TZ": "UTC",
    }
)
os.environ.pop("PYTHONUNBUFFERED", None)  # it hides what becomes of text left in a buffer
for name in [name for name in os.environ if name.startswith(("RECONCILER_", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX"))]:
    del os.environ[name]

# Properties draw the same examples on every machine; a deadline per example would be a timed test.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True, database=None, print_blob=True)
hypothesis.settings.load_profile("steady")


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> "Shelf":
    """Real SavedModels, exported once, to copy from."""
    import sample_shelf

    return sample_shelf.export_into(tmp_path_factory.mktemp("exported"))
