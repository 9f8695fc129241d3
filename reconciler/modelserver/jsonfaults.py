"""How RapidJSON 1.1.0 says that a text is no JSON.

Here: its error texts (``error/en.h``), and the exception that carries one. Used by jsonscanner, jsonnumbers and
jsonreader. Not here: when which is said.
"""

Body = bytes | bytearray
"""A request body."""

EMPTY = "The document is empty."
ROOT = "The document root must not be followed by other values."
VALUE = "Invalid value."
NAME = "Missing a name for object member."
COLON = "Missing a colon after a name of object member."
MEMBER_COMMA = "Missing a comma or } after an object member."
ELEMENT_COMMA = "Missing a comma or ] after an array element."
HEX = "Incorrect hex digit after \\u escape in string."
SURROGATE = "The surrogate pair in string is invalid."
ESCAPE = "Invalid escape character in string."
QUOTE = "Missing a closing quotation mark in string."
TOO_BIG = "Number too big to be stored in double."
FRACTION = "Miss fraction part in number."
EXPONENT = "Miss exponent in number."
TERMINATED = "Terminate parsing due to Handler error."


class Fault(Exception):
    """A body that is no JSON: RapidJSON's text and the offset in bytes at which it gave up."""

    def __init__(self, text: str, offset: int) -> None:
        self.text = text
        self.offset = offset
        super().__init__(f"{text} at offset: {offset}")
