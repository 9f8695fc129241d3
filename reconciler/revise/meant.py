"""What a change means for plain data: the yardstick that an edited text is held against.

Called by `splice.py`. The data of a document with aliases shares its parts; here a change touches one place only.
"""

from reconciler.parse.nodes import Data
from reconciler.revise.spans import Path


def with_value(data: Data, path: Path, value: Data) -> Data:
    """A copy in which the value at the path is another; a new key comes last, missing mappings are made."""
    if not path:
        return value
    step, *rest = path
    if isinstance(data, list) and isinstance(step, int):
        return [with_value(each, rest, value) if n == step else each for n, each in enumerate(data)]
    inside = data if isinstance(data, dict) else {}
    key = str(step)
    return {**inside, key: with_value(inside.get(key), rest, value)}


def without(data: Data, path: Path) -> Data:
    """A copy in which the key or item at the path is gone."""
    step, *rest = path
    if isinstance(data, dict):
        return {key: without(each, rest) if key == step else each for key, each in data.items() if rest or key != step}
    if isinstance(data, list):
        return [without(each, rest) if n == step else each for n, each in enumerate(data) if rest or n != step]
    return data


def with_item(data: Data, path: Path, value: Data) -> Data:
    """A copy in which the list at `path[:-1]` has one more item, at that index."""
    step, *rest = path
    if rest and isinstance(data, dict):
        return {key: with_item(each, rest, value) if key == step else each for key, each in data.items()}
    if rest and isinstance(data, list):
        return [with_item(each, rest, value) if n == step else each for n, each in enumerate(data)]
    return [*data[: int(step)], value, *data[int(step) :]] if isinstance(data, list) else data


def same(one: Data, other: Data) -> bool:
    """Whether two values are equal, with their types and the order of their keys; True is not 1."""
    return repr(one) == repr(other)
