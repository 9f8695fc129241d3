"""The published JSON Schemas, from the source tree or from the installed wheel, and their validators.

`schemas/` at the top of the source tree is the only copy in git; the wheel carries it as `reconciler/schemas`. Used by
`shape.py`, and by whoever checks its own output against a published schema. jsonschema is imported when a validator is
first asked for, because commands that parse nothing should not wait for it.
"""

import functools
import importlib.resources
import json
import typing
from importlib.resources.abc import Traversable

from reconciler.parse import quick

if typing.TYPE_CHECKING:
    import jsonschema

API_VERSION = "reconciler.tfserving/v1alpha1"
KINDS = {"Fleet": "v1alpha1/fleet.json", "Model": "v1alpha1/model.json"}

Schema: typing.TypeAlias = dict[str, typing.Any]


def folder() -> Traversable:
    """The folder that holds the schemas.

    Raises:
        FileNotFoundError: neither the wheel nor the source tree has them: the installation is damaged.
    """
    package = importlib.resources.files("reconciler")
    for candidate in (package / "schemas", package / ".." / "schemas"):
        if candidate.joinpath("v1alpha1", "fleet.json").is_file():
            return candidate
    raise FileNotFoundError(f"no schemas beside {package}: the installation is damaged; install the package again")


@functools.cache
def read(name: str) -> Schema:
    """The schema of that name, such as `v1alpha1/model.json`. It is shared: do not change it."""
    schema: Schema = json.loads(folder().joinpath(*name.split("/")).read_text(encoding="utf-8"))
    return schema


@functools.cache
def accepts(kind: str) -> quick.Test:
    """The test whether plain data is well-shaped as that kind; the same answer as the validator's, without reasons."""
    return quick.compiled(read(KINDS[kind]))


@functools.cache
def validator(kind: str) -> "jsonschema.Draft7Validator":
    """The validator of a kind. An integer is a whole number written without a point: `2.0` and `true` are none."""
    import jsonschema

    checker = jsonschema.Draft7Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    strict = jsonschema.validators.extend(jsonschema.Draft7Validator, type_checker=checker)  # type: ignore[no-untyped-call]  # untyped in its stubs
    return typing.cast("jsonschema.Draft7Validator", strict(read(KINDS[kind])))
