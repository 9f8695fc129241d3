"""Changes that may not begin on a server now, each with why: what turns and guards hand to `plan/effective.py`."""

from collections.abc import Mapping
from types import MappingProxyType

from reconciler.state.plan import Hold

Vetoes = Mapping[str, Hold]
"""By document, by `removal(name)`, or by `downtime(document, label)`."""

FREE: Vetoes = MappingProxyType({})


def removal(name: str) -> str:
    """The key under which the removal of a model that git no longer names is permitted or not."""
    return f"-{name}"  # no document is called so


def waits_for_answers(held: Vetoes) -> bool:
    """Whether something is held because no other server answers a label, of whatever fleet."""
    return any(key.startswith("!") for key in held)


def downtime(document: str, label: str) -> str:
    """The key under which an exchange may not take away a label that no other server answers."""
    return f"!{document}:{label}"
