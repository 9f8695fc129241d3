"""Commits made here go the way of everybody's: what this service would refuse for its signature is not pushed.

Put around the `Revisions` port by the compositions. Only the followed branch is guarded. A branch of its own is a
proposal: a person merges it, and the merge is what must be signed then.
"""

from reconciler.ports import Revisions
from reconciler.source.trust import Trust
from reconciler.state.revision import Revision


class Guarded:
    """The `Revisions` port, with a look at the signature before a push to the followed branch."""

    def __init__(self, revisions: Revisions, trust: Trust, branch: str) -> None:
        """Nothing is asked yet.

        Args:
            revisions: what makes and pushes commits.
            trust: whose signatures count.
            branch: the branch that is followed.
        """
        self._revisions = revisions
        self._trust = trust
        self._branch = branch

    def write(self, revision: Revision) -> str:
        """See `ports.Revisions.write`."""
        return self._revisions.write(revision)

    def push(self, commit_id: str, branch: str | None = None) -> None:
        """See `ports.Revisions.push`.

        Raises:
            SourceUnverified: the commit would not be put in force; nothing was pushed.
        """
        if branch in (None, self._branch):
            self._trust.require_own(commit_id)
        self._revisions.push(commit_id, branch)
