from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.expose.markup import SPACE, code, plain, shortened, visible

RENDER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = st.text(st.sampled_from(list("`*_[]()<>!#|\\~$&@:/.-+1a \n\t\r\x00\u202e\ud800é👩")), max_size=40) | st.text(
    max_size=40
)


class Page(HTMLParser):
    """Tags and text of a rendered comment."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(text: str) -> str:
    """What a reader sees, without what is invisible and without blanks at the ends."""
    return text.replace(SPACE, "").replace("`", "").strip()


@given(HOSTILE)
def test_any_text_in_a_list_reads_as_it_stands_and_is_nothing_else(text: str) -> None:
    page = Page(RENDER.render(f"- begin {plain(text)}\n"))
    assert set(page.tags) <= {"ul", "li", "code"}
    assert shown(page.text.strip().removeprefix("begin")) == shown(visible(text))


@given(HOSTILE)
def test_any_text_alone_in_a_list_opens_no_list_heading_or_quote(text: str) -> None:
    page = Page(RENDER.render(f"- {plain(text)}\n"))
    assert set(page.tags) <= {"ul", "li", "code"}


@given(HOSTILE, HOSTILE)
def test_any_text_in_a_table_stays_in_its_cell(one: str, two: str) -> None:
    page = Page(RENDER.render(f"| a | b |\n|---|---|\n| {plain(one) or '–'} | {code(two) or '–'} |\n"))
    assert page.tags.count("td") == 2
    assert set(page.tags) <= {"table", "thead", "tbody", "tr", "th", "td", "code"}


@given(HOSTILE)
def test_any_name_as_code_reads_as_it_stands(text: str) -> None:
    page = Page(RENDER.render(f"see {code(text)} end\n"))
    assert page.text.replace(SPACE, "").split() == ["see", *visible(text).split(), "end"]


@pytest.mark.parametrize(
    "text",
    [
        "@team",
        "#12",
        "org/repo#12",
        "!3",
        "~label",
        "%milestone",
        "&12",
        "$5",
        "https://evil.example",
        "www.evil.example",
    ],
)
def test_what_hosts_turn_into_references_has_an_invisible_break_in_it(text: str) -> None:
    assert SPACE in plain(text)


def test_a_command_of_gitlab_cannot_begin_a_line() -> None:
    assert plain("fine\n/merge") == "fine /merge"


def test_an_end_of_our_marker_is_no_end() -> None:
    assert "-->" not in plain("--> <!--")


def test_characters_that_turn_the_text_around_are_shown_as_unreadable() -> None:
    assert plain("good\u202edab") == "good\N{REPLACEMENT CHARACTER}dab"


def test_words_in_backquotes_are_code() -> None:
    assert plain("say `prune: true` now") == "say <code>prune: true</code> now"


def test_what_is_too_long_ends_with_a_mark() -> None:
    assert shortened("abcdef", 4) == "abc…"
