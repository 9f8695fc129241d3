"""A schema, compiled to a plain yes or no: twenty times faster than asking a validator, which also says why not.

Called by `shape.py`; whatever is refused here goes to jsonschema for the reasons. The reason for this file is measured:
with jsonschema alone, ten thousand sound Models take two seconds longer to check, about as long as to read. It knows
the keywords that our schemas use and refuses to compile any other, so a schema cannot outgrow it unseen; a property
test holds its answers and jsonschema's together.
"""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

Test: TypeAlias = Callable[[Any], bool]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_SILENT = {"$schema", "$id", "title", "description", "examples", "default", "type"}


def compiled(schema: dict[str, Any]) -> Test:
    """The test whether plain data satisfies the schema.

    Raises:
        ValueError: the schema uses a keyword that this module does not know.
    """
    makers = {
        "string": _string,
        "integer": _bounded,
        "number": _bounded,
        "object": _object,
        "array": _array,
    }
    used: set[str] = set(_SILENT)
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    tests: dict[type, Test] = {}
    for name in types:
        test = makers.get(name, _anything)(schema, used)
        tests |= dict.fromkeys(_TYPES[name], test)
    if unknown := schema.keys() - used:
        raise ValueError(f"schema keywords {sorted(unknown)} are not known to the quick test; teach it or avoid them")
    if len(tests) == 1:
        ((only, single),) = tests.items()
        return lambda value: type(value) is only and single(value)
    return lambda value: type(value) in tests and tests[type(value)](value)


def _anything(_schema: dict[str, Any], _used: set[str]) -> Test:
    return lambda _: True


def _string(schema: dict[str, Any], used: set[str]) -> Test:
    used |= {"pattern", "enum", "const"}
    if "enum" in schema or "const" in schema:
        allowed = frozenset(schema.get("enum", [schema.get("const")]))
        return lambda value: value in allowed
    if "pattern" in schema:
        search = re.compile(schema["pattern"]).search
        return lambda value: search(value) is not None
    return lambda _: True


def _bounded(schema: dict[str, Any], used: set[str]) -> Test:
    used |= {"minimum", "maximum"}
    least, most = schema["minimum"], schema["maximum"]
    return lambda value: bool(least <= value <= most)


def _array(schema: dict[str, Any], used: set[str]) -> Test:
    used |= {"items", "minItems", "maxItems"}
    item = compiled(schema["items"])
    least, most = schema.get("minItems", 0), schema["maxItems"]
    return lambda value: least <= len(value) <= most and all(map(item, value))


def _object(schema: dict[str, Any], used: set[str]) -> Test:
    used |= {"properties", "additionalProperties", "required", "propertyNames", "minProperties", "maxProperties"}
    if "properties" not in schema:
        return _map(schema)
    if schema["additionalProperties"] is not False:
        raise ValueError("a schema with properties must refuse additional ones: unknown fields are errors")
    known = {name: compiled(each) for name, each in schema["properties"].items()}
    required = tuple(schema.get("required", ()))
    least, most = schema.get("minProperties", 0), schema.get("maxProperties", len(known))

    def test(value: dict[str, Any]) -> bool:
        if not least <= len(value) <= most or not all(name in value for name in required):
            return False
        return all(key in known and known[key](each) for key, each in value.items())

    return test


def _map(schema: dict[str, Any]) -> Test:
    names = re.compile(schema["propertyNames"]["pattern"]).search
    each = compiled(schema["additionalProperties"])
    return lambda value: all(names(key) is not None and each(item) for key, item in value.items())
