"""`Hands` on a real repository: a proposal → texts → a commit in the mirror that was read back and found valid.

Used by the composition of the service, and by `reconciler promote`. Documents are edited as text, so that comments and
everything that is not meant stay byte for byte. What comes back of a rollback is the Model's document and the files of
its checks, as they were; nothing else of the commit that brought the failed spec. Blocking; one call at a time.
"""

from collections.abc import Iterator, Mapping, Sequence

from reconciler import parse, propose, revise
from reconciler.errors import RevisionRefused
from reconciler.loop.annals import Annals
from reconciler.ports import Revisions, Source
from reconciler.propose import Chapter, Edit, Proposal
from reconciler.source import Documents
from reconciler.state.desired import DesiredModel
from reconciler.state.revision import Revision


class Author:
    """Makes and pushes commits. below: the watched path of the repository."""

    def __init__(self, source: Source, revisions: Revisions, below: str = "") -> None:
        self._source = source
        self._revisions = revisions
        self._below = below
        self._documents = Documents(source, below)
        self._annals = Annals(source, below)

    def history(self, head: str, documents: frozenset[str]) -> Mapping[str, Sequence[Chapter]]:
        """See `Hands`."""
        return self._annals.chapters(head, documents)

    def write(self, proposal: Proposal, head: str) -> str:
        """See `Hands`."""
        self._documents = Documents(self._source, self._below)  # what it keeps of a large repository is let go below
        try:
            return self._written(proposal, head)
        finally:
            self._documents = Documents(self._source, self._below)

    def _written(self, proposal: Proposal, head: str) -> str:
        model = self.model(head, proposal.document)
        if proposal.edit is not None:
            files = self._edited(model, proposal.edit, head)
        else:
            files = self._restored(model, proposal, head)
        said = propose.message(proposal)
        message = revise.compose(said.subject, said.paragraphs, said.trailers)
        commit = self._revisions.write(Revision(head, tuple(sorted(files.items())), message))
        self._check(commit, proposal, head)
        return commit

    def push(self, commit_id: str, branch: str) -> None:
        """See `Hands`."""
        self._revisions.push(commit_id, branch or None)

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

    def _edited(self, model: DesiredModel, edit: Edit, head: str) -> dict[str, bytes | None]:
        path = model.place.path
        with revise.told(path):
            text, number = self._document(head, path, model.document)
            listed = [int(each) for each in getattr(model.policy, "versions", ())]
            text = revise.set_versions(text, number, sorted({*listed, *edit.versions}))
            text = revise.set_labels(text, number, dict(edit.labels))
            text = revise.set_versions(text, number, list(edit.versions))
        return {path: text.encode()}

    def _restored(self, model: DesiredModel, proposal: Proposal, head: str) -> dict[str, bytes | None]:
        to = proposal.to.id if proposal.to is not None else ""
        old, path = self.model(to, proposal.document), model.place.path
        with revise.told(path):
            was, at = self._document(to, old.place.path, proposal.document)
            text, number = self._document(head, path, proposal.document)
            made = revise.replace_document(text, number, revise.cut(was, at))
        return {path: made.encode(), **dict(self._check_files(proposal.document, old.place.path, to, head))}

    def _check_files(self, document: str, path: str, to: str, head: str) -> Iterator[tuple[str, bytes | None]]:
        """The files of the checks as they were, where they are others by now and no other Model asks with them."""
        for each in self._annals.check_files(to, path, document):
            before, now = self._annals.blob(to, each), self._annals.blob(head, each)
            if before is None or before == now:
                continue
            if not self._annals.others_check_with(head, document, each):
                yield each, self._source.read(before, parse.MAX_CHECK_BYTES)

    def _document(self, commit: str, path: str, document: str) -> tuple[str, int]:
        blob = self._annals.blob(commit, path)
        data = self._source.read(blob, parse.MAX_BYTES) if blob is not None else b""
        text = revise.decoded(path, data)
        where = revise.find([(path, text)], "Model", document)
        if where is None:
            raise RevisionRefused(f"the file has no Model {document} in commit {commit[:10]}.")
        return text, where.document

    def _check(self, commit: str, proposal: Proposal, head: str) -> None:
        """Read the commit back: it must be valid, and ask for what was meant of this model."""
        after, before = self.model(commit, proposal.document), self.model(head, proposal.document)
        wanted = before
        if proposal.to is not None:
            wanted = self.model(proposal.to.id, proposal.document)
        same = (wanted.name, wanted.base_path) == (after.name, after.base_path)
        if proposal.edit is None:
            same &= (wanted.policy, wanted.labels) == (after.policy, after.labels)
        else:
            same &= dict(after.labels) == {**dict(before.labels), **dict(proposal.edit.labels)}
            same &= getattr(after.policy, "versions", ()) == proposal.edit.versions
        if not same:
            raise RevisionRefused(
                f"The commit that was to be made for {proposal.document} would not ask for what was meant. This is a "
                "mistake of the reconciler's; nothing was pushed. Please report it, and edit the document by hand."
            )
