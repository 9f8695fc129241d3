"""The text format of configuration files: what C++ accepts, refuses, and says (google/protobuf/text_format.cc)."""

from typing import Any

import pytest

from reconciler.modelserver import textproto
from reconciler.modelserver.serverprotos import BatchingParameters
from reconciler.wire.stubs import config_pb2, model_server_config_pb2

_ROOT = "tensorflow.serving.ModelServerConfig"


def read(text: str | bytes) -> Any:
    """The message in a text without mistakes."""
    message = model_server_config_pb2.ModelServerConfig()
    errors, _ = textproto.parse(text if isinstance(text, bytes) else text.encode(), message)
    assert errors == []
    return message


def complaints(text: str | bytes) -> list[str]:
    message = model_server_config_pb2.ModelServerConfig()
    errors, _ = textproto.parse(text if isinstance(text, bytes) else text.encode(), message)
    return [error.removeprefix(f"Error parsing text-format {_ROOT}: ") for error in errors]


def versions(text: str) -> list[int]:
    config = read(f"model_config_list {{ config {{ model_version_policy {{ specific {{ {text} }} }} }} }}")
    return list(config.model_config_list.config[0].model_version_policy.specific.versions)


def name(literals: bytes) -> str:
    return str(read(b"model_config_list { config { name: %s } }" % literals).model_config_list.config[0].name)


def test_colons_before_braces_commas_semicolons_and_angles_are_all_the_same() -> None:
    plain = 'model_config_list { config { name: "a" base_path: "/a" } config { name: "b" } }'
    odd = "model_config_list: < config: [ {name: 'a', base_path: '/a';}, <name:'b'> ] ; >  # done"
    assert read(odd) == read(plain)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("versions: 3 versions: 4", [3, 4]),
        ("versions: [3, 4], versions: 5", [3, 4, 5]),
        ("versions: []", []),
        ("versions: 010", [8]),
        ("versions: 0x1F", [31]),
        ("versions: -1", [-1]),
        ("versions: - 9223372036854775808", [-(2**63)]),
    ],
)
def test_whole_numbers_have_the_bases_of_c(text: str, expected: list[int]) -> None:
    assert versions(text) == expected


@pytest.mark.parametrize(
    ("literals", "expected"),
    [
        (b"'it\"s'", 'it"s'),
        (b'"a" \'b\' "c"', "abc"),
        (rb'"\x41\102\n\t\\\"\u00e4\U0001F600"', 'AB\n\t\\"ä😀'),
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"\ud83d\u0041"', 3 * "\N{REPLACEMENT CHARACTER}" + "A"),
        (rb'"\U00110000"', 4 * "\N{REPLACEMENT CHARACTER}"),
        ("'größe'".encode(), "größe"),
        (b'"\xff"', "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_strings_are_joined_and_their_escapes_resolved(literals: bytes, expected: str) -> None:
    assert name(literals) == expected


@pytest.mark.parametrize(("digits", "column"), [("00200000", 41), ("01000000", 40), ("001fffg", 45), ("", 39)])
def test_escapes_of_eight_digits_end_where_the_tokenizer_ends_them(digits: str, column: int) -> None:
    found = complaints(f'model_config_list {{ config {{ name: "\\U{digits}" }} }}')
    assert found == [f"1:{column}: Expected eight hex digits up to 10ffff for \\U escape sequence"]


def test_a_repeated_label_key_is_no_mistake_and_the_last_one_wins() -> None:
    labels = 'version_labels { key: "s" value: 1 } version_labels { value: 2 key: "s" } version_labels { key: "z" }'
    config = read(f"model_config_list {{ config {{ {labels} }} }}").model_config_list.config[0]
    assert dict(config.version_labels) == {"s": 2, "z": 0}


def test_an_empty_field_may_be_given_again_because_nothing_shows_that_it_was_given() -> None:
    assert read('model_config_list { config { name: "" name: "b" } }').model_config_list.config[0].name == "b"


@pytest.mark.parametrize("text", ["", "  \n\t", "# nothing but a comment", "\ufeff"])
def test_a_file_without_fields_is_an_empty_message(text: str) -> None:
    assert read(text).WhichOneof("config") is None


def test_a_byte_order_mark_is_skipped() -> None:
    assert read("\ufeffmodel_config_list {}").WhichOneof("config") == "model_config_list"


def test_an_any_takes_a_type_that_is_known() -> None:
    text = 'custom_model_config { [type.googleapis.com/tensorflow.serving.ModelConfig] { name: "x" } }'
    assert read(text).custom_model_config.value == b"\n\x01x"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "model_config_lst {}",
            [f'1:18: Message type "{_ROOT}" has no field named "model_config_lst".'],
            id="unknown field",
        ),
        pytest.param(
            'model_config_list { config { name "a" } }', ['1:35: Expected ":", found ""a"".'], id="missing colon"
        ),
        pytest.param("model_config_list { config { name: } }", ["1:36: Expected string, got: }"], id="missing value"),
        pytest.param(
            "model_config_list {\n  config {\n\tname: a\n", ["3:15: Expected string, got: a"], id="tabs are eight wide"
        ),
        pytest.param("model_config_list {", ["1:20: Expected identifier, got: "], id="missing brace"),
        pytest.param("model_config_list {} }", ["1:22: Expected identifier, got: }"], id="one brace too many"),
        pytest.param("model_config_list { >", ['1:21: Expected "}", found ">".'], id="braces that do not match"),
        pytest.param(
            'model_config_list { config { name: "a } }',
            ["1:42: Unexpected end of string.", "1:42: Expected identifier, got: "],
            id="unterminated string",
        ),
        pytest.param(
            'model_config_list { config { name: "a\n" } }',
            [
                "1:38: String literals cannot cross line boundaries.",
                "2:6: Unexpected end of string.",
                "2:6: Expected identifier, got: ",
            ],
            id="line break in a string",
        ),
        pytest.param(
            "model_config_list { config { model_type: KERAS } }",
            ['1:48: Unknown enumeration value of "KERAS" for field "model_type".'],
            id="bad enum",
        ),
        pytest.param(
            'model_config_list { config { model_type: "TENSORFLOW" } }',
            ['1:42: Expected integer or identifier, got: "TENSORFLOW"'],
            id="enum as a string",
        ),
        pytest.param(
            "model_config_list {} model_config_list {}",
            ['1:40: Non-repeated field "model_config_list" is specified multiple times.'],
            id="two lists",
        ),
        pytest.param(
            "model_config_list { config { model_version_policy { all {} latest {} } } }",
            ['1:67: Field "latest" is specified along with field "all", another member of oneof "policy_choice".'],
            id="two policies",
        ),
        pytest.param(
            'model_config_list { config { name: "a" name: "b" } }',
            ['1:44: Non-repeated field "name" is specified multiple times.'],
            id="a name twice",
        ),
        pytest.param(
            "model_config_list { config { model_version_policy { specific { versions: 9223372036854775808 } } } }",
            ["1:74: Integer out of range (9223372036854775808)"],
            id="version beyond 64 bits",
        ),
        pytest.param(
            "model_config_list { config { model_version_policy { latest { num_versions: -1 } } } }",
            ["1:76: Expected integer, got: -"],
            id="negative number of versions",
        ),
        pytest.param(
            "model_config_list { config { model_version_policy { specific { versions: 1.5 } } } }",
            ["1:74: Expected integer, got: 1.5"],
            id="fraction of a version",
        ),
        pytest.param(
            "model_config_list { config { model_version_policy { specific { versions: 08 } } } }",
            ["1:75: Numbers starting with leading zero must be in octal.", "1:74: Integer out of range (08)"],
            id="no octal number",
        ),
        pytest.param('{ "model_config_list": {} }', ["1:1: Expected identifier, got: {"], id="JSON"),
        pytest.param(b"\0\0", ["1:1: Invalid control characters encountered in text."], id="NUL bytes"),
        pytest.param(
            "ä",
            ["1:1: Interpreting non ascii codepoint 195.", "1:1: Expected identifier, got: \N{REPLACEMENT CHARACTER}"],
            id="not ASCII outside of a string",
        ),
        pytest.param(
            b"\xef\xbf",
            ["1:2: Proto file starts with 0xEF but not UTF-8 BOM. Only UTF-8 is accepted for proto file."],
            id="half a byte order mark",
        ),
        pytest.param(
            r'model_config_list { config { name: "\q" } }',
            ["1:38: Invalid escape sequence in string literal."],
            id="unknown escape",
        ),
        pytest.param(
            r'model_config_list { config { name: "\xg" } }',
            ["1:39: Expected hex digits for escape sequence."],
            id="escape without digits",
        ),
        pytest.param(
            "[my.extension]: 1",
            [f'1:15: Extension "my.extension" is not defined or is not an extension of "{_ROOT}".'],
            id="extension",
        ),
        pytest.param(
            "custom_model_config { [type.googleapis.com/x.Y] {} }",
            ['1:49: Could not find type "type.googleapis.com/x.Y" stored in google.protobuf.Any.'],
            id="Any of an unknown type",
        ),
    ],
)
def test_a_mistake_is_reported_where_and_how_cpp_reports_it(text: str | bytes, expected: list[str]) -> None:
    assert complaints(text) == expected


def test_a_deprecated_field_is_a_warning() -> None:
    message = model_server_config_pb2.ModelServerConfig()
    errors, warnings = textproto.parse(b"model_config_list { config { model_type: TENSORFLOW } }", message)
    assert errors == []
    assert warnings == [
        f'Warning parsing text-format {_ROOT}: 1:40: text format contains deprecated field "model_type"'
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.5", 0.5), (".5f", 0.5), ("-1e-1", -0.1), ("2", 2.0), ("inf", float("inf")), ("1f", 1.0)],
)
def test_floating_numbers_and_booleans_are_those_of_cpp(text: str, expected: float) -> None:
    message = config_pb2.ConfigProto()
    whole = f"gpu_options {{ per_process_gpu_memory_fraction: {text} allow_growth: t }} log_device_placement: 1"
    assert textproto.parse(whole.encode(), message)[0] == []
    assert message.gpu_options.per_process_gpu_memory_fraction == expected
    assert (message.gpu_options.allow_growth, message.log_device_placement) == (True, True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("log_device_placement: yes", 'Invalid value for boolean field "log_device_placement". Value: "yes".'),
        ("log_device_placement: 2", "Integer out of range (2)"),
        ("gpu_options { per_process_gpu_memory_fraction: 010 }", "Expect a decimal number, got: 010"),
        ("gpu_options { per_process_gpu_memory_fraction: x }", "Expected double, got: x"),
    ],
)
def test_bad_booleans_and_floating_numbers_are_refused(text: str, complaint: str) -> None:
    errors, _ = textproto.parse(text.encode(), config_pb2.ConfigProto())
    assert [error.split(": ", 2)[2] for error in errors] == [complaint]


def test_wrapped_numbers_of_the_batching_parameters_are_messages_with_a_value() -> None:
    message = BatchingParameters()
    text = b"max_batch_size { value: 4 } thread_pool_name: { value: 'p' } allowed_batch_sizes: [2, 4]"
    assert textproto.parse(text, message) == ([], [])
    assert (message.max_batch_size.value, message.thread_pool_name.value) == (4, "p")
    assert list(message.allowed_batch_sizes) == [2, 4]
