"""`Hands` on a real repository: a proposal → texts → a commit in the mirror that was read back and found valid.

Used by the composition of the service, and by `reconciler promote`. Documents are edited as text, so that comments and
everything that is not meant stay byte for byte. What comes back of a rollback is the Model's document and the files of
its checks, as they were; nothing else of the commit that brought the failed spec. Blocking; one call at a time.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from reconciler import propose, revise
from reconciler.errors import RevisionRefused
from reconciler.loop import annals
from reconciler.ports import Lineage, Revisions, Source
from reconciler.propose import Chapter, Edit, Proposal
from reconciler.revise import restoring
from reconciler.source import Documents, Snapshot
from reconciler.source.trail import Trail
from reconciler.state.desired import DesiredModel
from reconciler.state.revision import Revision


class Archive(Lineage, Source, Protocol):
    """A repository on this disk, read as a line of commits and one by one."""


class Author:
    """Makes and pushes commits.

    archive: opens the repository, once per call, so that nothing of a large one is kept between calls. below: the
    watched path.
    """

    def __init__(self, archive: Callable[[], Archive], revisions: Revisions, below: str = "") -> None:
        self._archive = archive
        self._revisions = revisions
        self._below = below

    def history(self, head: str, documents: frozenset[str]) -> Mapping[str, Sequence[Chapter]]:
        """See `Hands`."""
        return annals.chapters(self._archive(), self._below, head, documents)

    def write(self, proposal: Proposal, head: str) -> str:
        """See `Hands`."""
        desk = _Desk(self._archive(), self._below, head)
        model = desk.model(head, proposal.document)
        notes: Sequence[str] = ()
        if proposal.edit is not None:
            files = desk.edited(model, proposal.edit)
        else:
            files, notes = desk.restored(model, proposal)
        said = propose.message(proposal)
        paragraphs = (*said.paragraphs, *(f"{each[:1].upper()}{each[1:]}." for each in notes))
        message = revise.compose(said.subject, paragraphs, said.trailers)
        commit = self._revisions.write(Revision(head, tuple(sorted(files.items())), message))
        desk.check(commit, proposal)
        return commit

    def push(self, commit_id: str, branch: str) -> None:
        """See `Hands`."""
        self._revisions.push(commit_id, branch or None)


class _Desk:
    """The repository during one call: the commit that is built on, and what it asks for."""

    def __init__(self, archive: Archive, below: str, head: str) -> None:
        self._archive = archive
        self._below = below
        self._head = head
        self._documents = Documents(archive, below)

    def model(self, commit: str, document: str) -> DesiredModel:
        """That Model as a commit has it.

        Raises:
            RevisionRefused: the commit has none of that name on any server, or its documents are not valid.
        """
        parsed = self._documents.at(commit)
        if parsed.desired is None:
            problems = "; ".join(str(each) for each in parsed.problems[:5])
            raise RevisionRefused(f"The documents of commit {commit[:10]} are not valid: {problems}")
        found = (model for server in parsed.desired.servers for model in server.models if model.document == document)
        model = next(found, None)
        if model is None:
            raise RevisionRefused(f"Commit {commit[:10]} places no Model {document} on any server.")
        return model

    def past(self, commit: str, document: str) -> DesiredModel:
        """That Model as an older commit's document has it, whatever other documents said there.

        Raises:
            RevisionRefused: the commit has none of that name, or it is not valid.
        """
        found = Trail(self._archive, self._below).spec(commit, document)
        if found is None or found.model is None:
            why = found.problem if found is not None else f"it has no Model {document}"
            raise RevisionRefused(f"Nothing can be brought back from commit {commit[:10]}: {why}.")
        return found.model

    def edited(self, model: DesiredModel, edit: Edit) -> dict[str, bytes]:
        """The file of a Model with other labels and versions."""
        path = model.place.path
        data = Snapshot(self._archive, self._head, self._below).read(path) or b""
        text = revise.decoded(path, data)
        with revise.told(path):
            where = revise.find([(path, text)], "Model", model.document)
            if where is None:
                raise RevisionRefused(f"the file has no Model {model.document} in commit {self._head[:10]}.")
            listed = getattr(model.policy, "versions", ())
            text = revise.set_versions(text, where.document, sorted({*listed, *edit.versions}))
            text = revise.set_labels(text, where.document, dict(edit.labels))
            text = revise.set_versions(text, where.document, list(edit.versions))
        return {path: text.encode()}

    def restored(self, model: DesiredModel, proposal: Proposal) -> tuple[dict[str, bytes], Sequence[str]]:
        """The files in which a Model and its checks are as they were, and what is to be said of them."""
        self._require_untouched(model, proposal)
        to = proposal.to.id if proposal.to is not None else ""
        old = self.past(to, proposal.document)
        draft = restoring.Draft(Snapshot(self._archive, self._head, self._below), self._below)
        places = restoring.Old(old.document, old.place.path, model.document, model.place.path)
        restoring.restore(draft, Snapshot(self._archive, to, self._below), places)
        return draft.files, draft.notes

    def _require_untouched(self, model: DesiredModel, proposal: Proposal) -> None:
        """Raises RevisionRefused where the document was edited since the commit that brought what is taken back."""
        brought = Trail(self._archive, self._below).spec(proposal.of.id, proposal.document)
        if brought is None:  # it bore another name
            return
        then = self._text(proposal.of.id, brought.place.path, proposal.document)
        if then != self._text(self._head, model.place.path, proposal.document):
            raise RevisionRefused(
                f"The document of {proposal.document} was edited again after commit {proposal.of.short}, which failed, "
                "and to go back as a whole would undo that edit, too. Nothing was committed. To do: "
                f"`reconciler rollback {proposal.document} --push` goes back and lists all that it takes back; or edit "
                "the document."
            )

    def _text(self, commit: str, path: str, document: str) -> str:
        """What is written of a Model in a commit, comments included."""
        text = revise.decoded(path, Snapshot(self._archive, commit, self._below).read(path) or b"")
        with revise.told(path):
            where = revise.find([(path, text)], "Model", document)
            return revise.cut(text, where.document).body.strip() if where is not None else ""

    def check(self, commit: str, proposal: Proposal) -> None:
        """Read the commit back: it must be valid, and ask for what was meant of this model."""
        after, before = self.model(commit, proposal.document), self.model(self._head, proposal.document)
        if proposal.edit is not None:
            labels = {**dict(before.labels), **dict(proposal.edit.labels)}
            same = dict(after.labels) == labels and getattr(after.policy, "versions", ()) == proposal.edit.versions
        else:
            wanted = self.past(proposal.to.id if proposal.to is not None else "", proposal.document)
            same = (wanted.policy, wanted.labels) == (after.policy, after.labels)
        if not same:
            raise RevisionRefused(
                f"The commit that was to be made for {proposal.document} would not ask for what was meant. This is a "
                "mistake of the reconciler's; nothing was pushed. Please report it, and edit the document by hand."
            )
