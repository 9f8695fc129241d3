"""A schema's complaint → findings in words: what is wrong, and what to do.

Called by `shape.py`. What to do is taken from the schema itself (its descriptions and examples), so that an editor's
hover and our message say the same. Deliberately not here: any rule of the format; those are in `schemas/`.
"""

import difflib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.parse.nodes import Node
from reconciler.parse.problems import Finding, shown
from reconciler.parse.schemas import Schema

if TYPE_CHECKING:
    from jsonschema import ValidationError

_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "nothing",
}
_VALUE_RULES = {
    "enum": "wrong-value",
    "const": "wrong-value",
    "pattern": "wrong-form",
    "minimum": "out-of-range",
    "maximum": "out-of-range",
    "minItems": "too-few",
    "maxItems": "too-many",
    "minProperties": "exactly-one",
    "maxProperties": "exactly-one",
}


def explain(root: Node, error: "ValidationError") -> Iterator[Finding]:
    """What one complaint of the validator means; several findings where several keys are unknown."""
    path: tuple[str | int, ...] = tuple(error.absolute_path)
    node = root.find(*path)
    schema: Schema = dict(error.schema) if isinstance(error.schema, dict) else {}
    match error.validator:
        case "additionalProperties":
            yield from _unknown(path, node, schema)
        case "required":
            yield from _missing(node, path, schema)
        case "type":
            yield _type(path, node, schema)
        case "pattern" if "propertyNames" in tuple(error.absolute_schema_path):
            yield _key(node, str(error.instance), schema)
        case _ if schema.get("title") == "version":
            yield version(node)
        case rule:
            yield _value(path, node, str(rule), schema)


def version(node: Node) -> Finding:
    """Why a number or digits are no version."""
    return no_version(node.position, str(node.data))


def no_version(at: tuple[int, int], text: str) -> Finding:
    """Why a text at that line and column is no version."""
    digits = text.lstrip("0")
    if text.isascii() and text.isdigit() and digits and digits != text:
        to_do = f"write {digits[:40]}; the directory may be called {text[:40]} all the same"
        return Finding(*at, "version-leading-zero", f"the version {shown(text)} has leading zeros", to_do)
    to_do = "write the number that names the version's directory, from 1 to 9223372036854775807"
    return Finding(*at, "version-out-of-range", f"{shown(text)} is not a version", to_do)


def _unknown(path: Sequence[str | int], node: Node, schema: Schema) -> Iterator[Finding]:
    known: dict[str, Any] = schema.get("properties", {})
    for key, child in node.fields.items():
        if key in known:
            continue
        near = difflib.get_close_matches(key[:64], known, n=1, cutoff=0.6)
        may = ", ".join(known) or "nothing"
        to_do = f"did you mean `{near[0]}`?" if near else f"remove it; here may stand: {may}"
        yield Finding(*child.key_position, "unknown-field", f"unknown field {shown(key)} in {_dotted(path)}", to_do)


def _missing(node: Node, path: Sequence[str | int], schema: Schema) -> Iterator[Finding]:
    for name in schema["required"]:
        if name not in node.fields:
            about = schema["properties"][name].get("description", "")
            to_do = f"add `{name}`: {_sentence(about)}"
            yield Finding(*node.key_position, "missing-field", f"{_dotted(path)} has no `{name}`", to_do)


def _type(path: Sequence[str | int], node: Node, schema: Schema) -> Finding:
    if schema.get("title") == "version" and isinstance(node.data, float):
        return version(node)
    allowed = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    wanted = " or ".join(_TYPES[each] for each in allowed if each != "null")
    found = "is empty" if node.data is None else f"is {_found(node.data)}"
    quote = "string" in allowed and isinstance(node.data, bool | int | float)
    to_do = f"put it in quotes: {_advice(schema)}" if quote else f"write {wanted}: {_advice(schema)}"
    return Finding(*node.position, "wrong-type", f"{_dotted(path)} {found}, not {wanted}", to_do)


def _key(node: Node, key: str, schema: Schema) -> Finding:
    at = node.fields[key].key_position if key in node.fields else node.position
    if schema.get("title") == "version":
        return no_version(at, key)
    return Finding(*at, "wrong-form", f"{shown(key)} cannot be a key here", _advice(schema))


def _value(path: Sequence[str | int], node: Node, rule: str, schema: Schema) -> Finding:
    where = _dotted(path)
    if rule in ("enum", "const"):
        what, to_do = f"{where} is {shown(node.data)}", f"write one of: {_options(schema)}"
    elif rule in ("minimum", "maximum"):
        what, to_do = f"{where} is {shown(node.data)}, {_beyond(rule, schema[rule])}", _advice(schema)
    elif rule in ("minItems", "maxItems"):
        what, to_do = f"{where} has {len(node.items)} entries, {_beyond(rule, schema[rule])}", _advice(schema)
    elif rule in ("minProperties", "maxProperties"):
        names = ", ".join(f"`{name}`" for name in schema["properties"])
        what, to_do = f"{where} names {len(node.fields)} of {names}", "keep exactly one"
    else:
        what, to_do = f"{where} {shown(node.data)} has not the right form", _advice(schema)
    return Finding(*node.position, _VALUE_RULES.get(rule, rule), what, to_do)


def _beyond(rule: str, limit: int) -> str:
    return f"below the least allowed, {limit}" if rule.startswith("min") else f"above the most allowed, {limit}"


def _options(schema: Schema) -> str:
    return ", ".join(f"`{each}`" for each in schema.get("enum", [schema.get("const")]))


def _found(data: object) -> str:
    match data:
        case str():
            return f"the text {shown(data)}"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return shown(data)


def _advice(schema: Schema) -> str:
    examples: list[object] = schema.get("examples", [])
    told = _sentence(schema.get("description", ""))
    shape = " or ".join(shown(example) if isinstance(example, str) else f"`{example}`" for example in examples[:2])
    return f"{told}, for example {shape}" if shape else told


def _sentence(text: str) -> str:
    return text.rstrip(".")


def _dotted(path: Sequence[str | int]) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return shown(text.lstrip(".")) if text else "the document"
