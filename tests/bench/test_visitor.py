"""What a visitor reads from a page."""

from tests.bench.visitor import Page


def page(text: str) -> Page:
    return Page(path="/", status=200, text=text, statuses=(200,), seconds=0.0)


def test_each_time_of_a_page_is_read_once_in_its_order() -> None:
    button = '<button name="slot" value="{}">'
    text = "".join(
        button.format(value) for value in ("2026-12-07T08:00Z~a~", "2026-12-07T08:15Z~a~&amp;", "2026-12-07T08:00Z~a~")
    )
    assert page(text).slots == ["2026-12-07T08:00Z~a~", "2026-12-07T08:15Z~a~&"]


def test_the_notice_beside_a_form_is_read() -> None:
    assert page('<input type="hidden" name="notice" value="7">').notice == "7"
    assert page("<p>no form</p>").notice == ""
