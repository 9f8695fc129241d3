"""Who commits for the bots of the service, with which key, and with what hands.

Everything comes from the environment, as docs/automation.md lists it: a key is named, never given.
"""

import os

from reconciler.adapters.git import GitMirror
from reconciler.adapters.git_line import GitLine
from reconciler.adapters.git_signing import SigningKey
from reconciler.adapters.git_writer import GitWriter, Identity
from reconciler.cli import verification
from reconciler.cli.exits import Misused
from reconciler.cli.options import RepositoryOptions
from reconciler.loop.author import Author
from reconciler.state.signature import Verify


def hands(options: RepositoryOptions, mirror: GitMirror) -> Author:
    """What makes commits in that mirror and pushes them.

    Raises:
        Misused: the identity or the key is none, or nothing signs although only signed commits are put in force.
    """
    try:
        who = Identity.of_bot(os.environ)
        key = SigningKey.from_environment(os.environ)
    except ValueError as error:
        raise Misused(f"{error}.") from error
    if key is None and options.verify is not Verify.NONE:
        raise Misused(
            f"--verify {options.verify} puts signed commits in force only, and nothing signs those that are made here. "
            "Set RECONCILER_GIT_SIGNING_KEY, and trust that key."
        )
    writer = verification.guarded(options, mirror, GitWriter(mirror, who, key))
    return Author(lambda: GitLine(mirror.path), writer, options.path)
