"""TensorFlow Serving's JSON of `:predict`, as files in git hold it: requests and answers, by row or by column.

    {"signature_name": "…", "instances": […]}   or   {"signature_name": "…", "inputs": …}     a request
    {"predictions": […]}                        or   {"outputs": …}                           an answer

Read strictly, once by `parse/` (what cannot be right is a problem of the commit) and once by `execute/` (what it means
for the signature of the version that is asked). Source of the form: tensorflow_serving/util/json_tensor.cc and its REST
API page. No message of protobuf is touched here. Deliberately not here: comparing (wire/comparing.py).
"""

import base64
import binascii
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.state.export import DEFAULT_SIGNATURE, Signature, TensorSpec
from reconciler.state.inference import Element, Named, Tensor

MAX_ELEMENTS = 1 << 18
"""Numbers and texts in one file, and in one tensor of an answer: beyond this a comparison would hold up everything."""

DECIMALS = frozenset({"float", "double", "half", "bfloat16"})
LONGEST_NUMBER = 40
"""Digits of a whole number; 64 bits need 20."""

INTEGERS = {
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
}
"""Least and greatest value by element type."""

_LARGEST = {"float": 3.4028235677973366e38, "half": 65520.0, "bfloat16": 3.3961775292304957e38}
"""From here on a number rounds to infinity."""


class NotPredictJson(ValueError):
    """A text is no such JSON, or does not fit what it is for; the message is half a sentence."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a file holds. by_row: `value` is a list with one item per row of the batch; else whole tensors.

    An object names tensors; anything else is the only one there is.
    """

    value: Any
    by_row: bool
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Plain:
    """A tensor as JSON has it: sizes and values, row by row, of whatever type they were written as."""

    shape: tuple[int, ...]
    values: tuple[Any, ...]


def request(text: str) -> Body:
    """A request. Raises NotPredictJson."""
    document = _object(text)
    signature = document.pop("signature_name", "")
    if not isinstance(signature, str):
        raise NotPredictJson("`signature_name` is not a text")
    return _body(document, ("instances", "inputs"), signature)


def expectation(text: str) -> Body:
    """An answer that is expected. NaN is none: it equals nothing. Raises NotPredictJson."""
    body = _body(_object(text), ("predictions", "outputs"), "")
    for _, plain in columns(body):
        if any(isinstance(value, float) and math.isnan(value) for value in plain.values):
            raise NotPredictJson("it expects NaN, which equals nothing, not even itself")
    return body


def columns(body: Body) -> tuple[tuple[str, Plain], ...]:
    """The tensors of a body by name, ascending; "" names the only one. Raises NotPredictJson."""
    value = body.value
    if body.by_row and _is_object(value[0]):
        named = {name: [row[name] for row in value] for name in sorted(value[0])}
    elif not body.by_row and _is_object(value):
        named = {name: value[name] for name in sorted(value)}
    else:
        named = {"": value}
    return tuple((name, plain(each, name)) for name, each in named.items())


def plain(value: Any, name: str = "") -> Plain:
    """Nested lists of one size at each depth as one tensor. Raises NotPredictJson."""
    shape = []
    inner = value
    while isinstance(inner, list):
        shape.append(len(inner))
        if not inner:
            break
        inner = inner[0]
    return Plain(tuple(shape), tuple(_flat(value, tuple(shape), name or "the value")))


def inputs(body: Body, signature: Signature) -> Named:
    """The tensors of a request for that signature, with its element types. Raises NotPredictJson."""
    specs = {spec.alias: spec for spec in signature.inputs}
    given = dict(columns(body))
    if "" in given and "" not in specs:
        if len(specs) != 1:
            raise NotPredictJson(f"it names no inputs, and signature {signature.name} has {len(specs)}: {_list(specs)}")
        given = {next(iter(specs)): given[""]}
    if unknown := given.keys() - specs.keys():
        raise NotPredictJson(f"signature {signature.name} has no input {min(unknown)}; it has {_list(specs)}")
    if lacking := specs.keys() - given.keys() - set(signature.optional):
        raise NotPredictJson(f"it lacks input {min(lacking)} of signature {signature.name}")
    return tuple((name, _typed(specs[name], given[name])) for name in sorted(given))


def chosen(body: Body, signatures: tuple[Signature, ...]) -> Signature:
    """The signature that a request is for. Raises NotPredictJson."""
    wanted = body.signature or DEFAULT_SIGNATURE
    found = next((each for each in signatures if each.name == wanted), None)
    if found is None:
        raise NotPredictJson(
            f"the version has no signature {wanted}; it has {_list(each.name for each in signatures) or 'none'}"
        )
    return found


def as_bytes(value: Any) -> bytes | None:
    """A text, or `{"b64": "…"}`, as the bytes of a string tensor; None where it is neither."""
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError:
            return None
    if _is_base64(value):
        text = value["b64"]
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            return None
    return None


def _object(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, object_pairs_hook=_once, parse_float=_float, parse_int=_int)
    except json.JSONDecodeError as error:
        raise NotPredictJson(f"it is no JSON in line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise NotPredictJson("it is nested too deep") from error
    if not isinstance(document, dict):
        raise NotPredictJson("it is no object")
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotPredictJson(f"the key {twice[:80]!r} is there twice")
    return found


def _int(written: str) -> int:
    if len(written) > LONGEST_NUMBER:
        raise NotPredictJson(f"the number {written[:LONGEST_NUMBER]}… is beyond what 64 bits hold")
    return int(written)


def _float(written: str) -> float:
    number = float(written)
    if math.isinf(number):
        raise NotPredictJson(f"the number {written[:40]} is beyond what 64 bits hold")
    return number


def _body(document: dict[str, Any], keys: tuple[str, str], signature: str) -> Body:
    rows, columns_ = keys
    if (rows in document) == (columns_ in document):
        raise NotPredictJson(f"it needs exactly one of `{rows}` (by row) and `{columns_}` (by column)")
    if unknown := document.keys() - set(keys):
        raise NotPredictJson(f"it has a key {min(unknown)[:80]!r} that means nothing here")
    if columns_ in document:
        body = Body(document[columns_], by_row=False, signature=signature)
    else:
        body = Body(_rows(document[rows], rows), by_row=True, signature=signature)
    if sum(len(each.values) for _, each in columns(body)) > MAX_ELEMENTS:
        raise NotPredictJson(f"it holds more than {MAX_ELEMENTS:,} values")
    return body


def _rows(value: Any, key: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise NotPredictJson(f"`{key}` is no list with at least one row")
    if _is_object(value[0]):
        for number, row in enumerate(value):
            if not _is_object(row) or row.keys() != value[0].keys():
                raise NotPredictJson(f"row {number} of `{key}` does not name what row 0 names")
    return value


def _flat(value: Any, shape: tuple[int, ...], where: str) -> Iterator[Any]:
    if not shape:
        if isinstance(value, list):
            raise NotPredictJson(f"{where} is a list where its neighbours are none")
        if value is None or (isinstance(value, dict) and not _is_base64(value)):
            raise NotPredictJson(f"{where} is neither a number, nor a text, nor true or false, nor base64")
        yield value
        return
    if not isinstance(value, list) or len(value) != shape[0]:
        found = f"{len(value)} items" if isinstance(value, list) else "no list"
        raise NotPredictJson(f"{where} has {found} where its neighbours have {shape[0]}")
    for number, each in enumerate(value):
        yield from _flat(each, shape[1:], f"{where}[{number}]")


def _typed(spec: TensorSpec, given: Plain) -> Tensor:
    known = spec.dtype in DECIMALS or spec.dtype in INTEGERS or spec.dtype in ("bool", "string")
    if not known:
        raise NotPredictJson(f"input {spec.alias} is {spec.dtype}, which JSON cannot say")
    values = tuple(_element(spec, number, value) for number, value in enumerate(given.values))
    return Tensor(spec.dtype, given.shape, values)


def _element(spec: TensorSpec, number: int, value: Any) -> Element:
    dtype = spec.dtype
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if dtype == "bool" and isinstance(value, bool):
        return value
    if dtype == "string" and (found := as_bytes(value)) is not None:
        return found
    if dtype in INTEGERS and is_number and isinstance(value, int):
        least, most = INTEGERS[dtype]
        if least <= value <= most:
            return value
    if dtype in DECIMALS and is_number and _fits(value, dtype):
        return float(value)
    raise NotPredictJson(f"value {number} of input {spec.alias} is {shown(value)}, and the version takes {dtype}")


def _fits(value: float, dtype: str) -> bool:
    try:
        number = float(value)
    except OverflowError:
        return False
    return not math.isfinite(number) or abs(number) < _LARGEST.get(dtype, math.inf)


def shown(value: object) -> str:
    """A value as evidence quotes it: short, on one line."""
    if isinstance(value, bool | type(None)):
        return json.dumps(value)
    if isinstance(value, float | int):
        return f"{value:.9g}" if isinstance(value, float) else str(value)[:40]
    text = ascii(value.decode(errors="surrogateescape") if isinstance(value, bytes) else value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _list(names: object) -> str:
    found = sorted(names)  # type: ignore[call-overload]  # an iterable of names
    return ", ".join(found[:10]) + (f" and {len(found) - 10} more" if len(found) > 10 else "")
