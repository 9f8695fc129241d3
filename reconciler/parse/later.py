"""What the format of v1alpha1 has decided, and this version does not do yet.

Used by `wording.py` only to say "not yet" instead of "unknown": such a field is an error all the same, because a field
that is accepted and ignored promises something. A field leaves this list when it enters the schemas.
"""

FIELDS: frozenset[tuple[str, ...]] = frozenset(tuple(path.split(".")) for path in ("Model.spec.onFailure",))

VALUES: frozenset[tuple[tuple[str, ...], str]] = frozenset()
"""(Path of a field, value)."""
