"""The label table, and the rule by which a reload may change it.

The table is swapped as a whole, for all models at once, before anything else of a reload happens; the check looks at
what is AVAILABLE at that instant. So a label cannot move together with its load, a label whose version went away blocks
every reload that repeats it, and a label may be moved to a version the same reload drops.

Source: ``UpdateModelVersionLabelMap`` and ``GetModelVersionForLabel`` in ``model_servers/server_core.cc``.
Used by reloads (swap) and by lookups (resolve).
"""

from __future__ import annotations

from reconciler.modelserver.core.board import Board
from reconciler.modelserver.core.values import OK, Code, ModelConfig, Status, VersionState

Labels = dict[str, dict[str, int]]


class LabelTable:
    """Labels by model; None until a first configuration was accepted."""

    __slots__ = ("_allow", "_board", "_current")

    def __init__(self, board: Board, *, allow_unavailable: bool) -> None:
        self._board = board
        self._allow = allow_unavailable
        self._current: Labels | None = None

    def swap(self, models: tuple[ModelConfig, ...]) -> Status:
        """Replace the table by that of ``models`` if every entry is legal; else leave it as it is."""
        following: Labels = {}
        for model in models:
            for label, version in model.labels:
                if not self._is_legal(model.name, label, version):
                    return Status(
                        Code.FAILED_PRECONDITION,
                        f"Request to assign label to version {version} of model {model.name}, "
                        "which is not currently available for inference",
                    )
                following.setdefault(model.name, {})[label] = version
        self._current = following
        return OK

    def resolve(self, model: str, label: str) -> int | Status:
        """The version a label stands for."""
        if self._current is None:
            return Status(Code.UNAVAILABLE, f"Model labels does not init yet.{label}")
        version = self._current.get(model, {}).get(label)
        if version is None:
            return Status(Code.INVALID_ARGUMENT, f"Unrecognized servable version label: {label}")
        return version

    def of(self, model: str) -> dict[str, int]:
        """A copy of one model's labels; no RPC shows them."""
        return dict((self._current or {}).get(model, {}))

    def _is_legal(self, model: str, label: str, version: int) -> bool:
        """AVAILABLE now or, with the flag, new for this model or unchanged."""
        known = self._board.states.get(model, {}).get(version)
        if known is not None and known.state is VersionState.AVAILABLE:
            return True
        return self._allow and self.of(model).get(label, version) == version
