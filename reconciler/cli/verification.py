"""Verified source for the command line: from options to which commits are trusted.

Called by `repository.py` for commands that look at one commit, and by the service. Which keys count is said by files
on this machine, never by the repository: who may push there could otherwise name a key of their own.
"""

import re
from pathlib import Path

from reconciler.adapters.git import GitReader
from reconciler.adapters.signatures import KeyFiles, SignatureVerifier
from reconciler.cli.exits import Misused
from reconciler.cli.options import RepositoryOptions
from reconciler.ports import Revisions
from reconciler.source import Guarded, Trust
from reconciler.state.signature import Verify


def trust(options: RepositoryOptions, source: GitReader) -> Trust:
    """Which commits of that repository are trusted. Raises Misused where it is not said by which keys."""
    if options.verify is Verify.NONE:
        return Trust(source, None, Verify.NONE)
    files = key_files(options)
    if files.allowed_signers is None and not files.keyrings:
        raise Misused(
            f"--verify {options.verify} needs to know whose keys are trusted: give --allowed-signers FILE for SSH "
            "keys, --gpg-keyring FILE for OpenPGP keys, or both."
        )
    if files.revoked is not None and files.allowed_signers is None:
        raise Misused(
            "--revoked-keys goes with --allowed-signers; an OpenPGP key is revoked in its keyring file, by importing "
            "its revocation certificate and exporting the key again."
        )
    baseline = options.verify_from or ""
    if baseline and not re.fullmatch(r"[0-9a-f]{40}", baseline):
        raise Misused(
            f"--verify-from {baseline} is no whole commit id. Give all forty digits (`git rev-parse {baseline}`): a "
            "branch or a tag can be moved by whoever may push."
        )
    return Trust(source, SignatureVerifier(source, files), options.verify, baseline)


def guarded(options: RepositoryOptions, source: GitReader, revisions: Revisions) -> Guarded:
    """What makes commits in that mirror, held to the same signatures as everybody before a push."""
    return Guarded(revisions, trust(options, source), options.branch)


def key_files(options: RepositoryOptions) -> KeyFiles:
    """The files that say whose keys are trusted."""
    keyrings = tuple(each.expanduser() for each in options.gpg_keyring or ())
    return KeyFiles(_path(options.allowed_signers), _path(options.revoked_keys), keyrings)


def lacking(options: RepositoryOptions) -> tuple[str, ...]:
    """What to install before any commit can be verified; said at the start of a service."""
    return key_files(options).tools_missing() if options.verify is not Verify.NONE else ()


def _path(given: Path | None) -> Path | None:
    return given.expanduser() if given is not None else None
