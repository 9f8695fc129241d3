"""`ServerConfig` → the exact text proto, and text proto → message.

`render` is what `reconciler render` prints and what file delivery writes; the same config always gives the same bytes,
whatever protobuf release is installed, so files and reviews do not flicker. `parse` reads an existing
`model_config.pbtxt`. Deliberately not here: files (adapters) and turning a foreign config into documents
(`parse/importing.py`).
"""

from typing import assert_never

from google.protobuf import text_encoding, text_format

from reconciler.state.config import ModelConfig, ServerConfig
from reconciler.state.versions import All, Latest, Specific, VersionPolicy
from reconciler.wire.stubs import model_server_config_pb2


class TextProtoError(ValueError):
    """A text is no `ModelServerConfig`. `line` and `column` count from 1; 0 where the parser could not tell."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def render(config: ServerConfig) -> str:
    """The config as text proto: models and labels ascending, one field per line, ending in a newline.

    No models is `model_config_list {}`: an empty *file* would make a server exit at its start (rule E34).
    """
    if not config.models:
        return "model_config_list {}\n"
    entries = "".join(_model(model) for model in config.models)
    return f"model_config_list {{\n{entries}}}\n"


def parse(text: str) -> model_server_config_pb2.ModelServerConfig:
    """The message that a text stands for, read as the server reads its `--model_config_file`.

    Raises:
        TextProtoError: the text is no `ModelServerConfig`, with the position of the first thing not understood.
    """
    message = model_server_config_pb2.ModelServerConfig()
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as error:
        line, column = error.GetLine() or 0, error.GetColumn() or 0
        raise TextProtoError(str(error), line, column) from error
    return message


def _model(model: ModelConfig) -> str:
    lines = [
        f"name: {_quoted(model.name)}",
        f"base_path: {_quoted(model.base_path)}",
        f"model_platform: {_quoted(model.platform)}",
        f"model_version_policy {{ {_policy(model.policy)} }}",
        *(f"version_labels {{ key: {_quoted(label)} value: {version} }}" for label, version in model.labels),
    ]
    return "  config {\n" + "".join(f"    {line}\n" for line in lines) + "  }\n"


def _policy(policy: VersionPolicy) -> str:
    match policy:
        case Specific(versions):
            listed = " ".join(f"versions: {version}" for version in versions)
            return f"specific {{ {listed} }}" if listed else "specific {}"
        case Latest(count):
            return f"latest {{ num_versions: {count} }}"
        case All():
            return "all {}"
        case _:
            assert_never(policy)


def _quoted(value: str) -> str:
    return '"' + text_encoding.CEscape(value.encode(), as_utf8=False) + '"'
