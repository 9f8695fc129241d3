"""What makes a function a command: bundles of options unfolded for Typer, and errors turned into sentences.

Used on every function under `cli/verbs`. Not here: the options themselves (options.py), output (output.py).
"""

import dataclasses
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_type_hints

import typer

from reconciler import errors
from reconciler.cli.exits import Exit, code_for

Command = Callable[..., int | None]
DEBUG = Annotated[
    bool,
    typer.Option("--debug", envvar="RECONCILER_DEBUG", help="Show the traceback of an unexpected error."),
]


def verb(command: Command) -> Callable[..., None]:
    """The command as Typer can call it.

    A parameter whose type is a dataclass stands for one option per field (so that a dozen commands share their options
    without repeating them); `--debug` is added; the returned number is the exit code; no exception leaves as a
    traceback unless `--debug` asks for it.
    """
    hints = get_type_hints(command, include_extras=True)
    bundles = {name: hint for name, hint in hints.items() if dataclasses.is_dataclass(hint)}
    flat = [each for name in inspect.signature(command).parameters for each in _parameters(command, name, hints)]
    flat.append(inspect.Parameter("debug", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=DEBUG))

    def run(**given: Any) -> None:
        debug = given.pop("debug")
        values = _bundled(bundles, given)
        code = guarded(lambda: command(**values), debug=debug)
        if code:
            raise typer.Exit(code)

    run.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]  # functions have it, typeshed does not
    run.__annotations__ = {each.name: each.annotation for each in flat}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


def guarded(body: Callable[[], int | None], *, debug: bool) -> int:
    """Run the body; what goes wrong becomes a sentence on stderr and an exit code."""
    try:
        code = int(body() or Exit.OK)
        sys.stdout.flush()  # here, where a reader that went away is still caught
        return code
    except errors.ReconcilerError as error:
        _trace(debug)
        say(f"Error: {error}")
        return code_for(error)
    except KeyboardInterrupt:
        say("Interrupted.")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`): nothing is wrong. Python would complain once more when it flushes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:
        _trace(debug)
        hint = "" if debug else " Run it again with --debug for the traceback, and please report it."
        say(f"Unexpected error, a bug of the reconciler: {type(error).__name__}: {error}.{hint}")
        return Exit.ERROR


def say(message: str) -> None:
    """One message on stderr, where people read and scripts do not."""
    typer.echo(message, err=True)


def _trace(debug: bool) -> None:
    if debug:
        traceback.print_exc()


def _parameters(command: Command, name: str, hints: Mapping[str, Any]) -> list[inspect.Parameter]:
    """The parameter as it is, or one for each field of its bundle."""
    hint = hints[name]
    if not dataclasses.is_dataclass(hint):
        own = inspect.signature(command).parameters[name]
        return [own.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hint)]
    types = get_type_hints(hint, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=types[field.name]
        )
        for field in dataclasses.fields(hint)
    ]


def _bundled(bundles: Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    values = dict(given)
    for name, bundle in bundles.items():
        values[name] = bundle(**{field.name: values.pop(field.name) for field in dataclasses.fields(bundle)})
    return values
