"""Nothing that names a person reaches the log."""

import logging

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from config.logs import Line, Routes, scrub

SECRET = "MEDyNTc4OTAxMjM0NTY3ODkw"


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("GET /admin/bookings/patient/?q=Ada+Lovelace 200", "GET /admin/bookings/patient/?[hidden] 200"),
        ("see https://horae.example/find/?contact=a%40b.example&x=1", "see https://horae.example/find/?[hidden]"),
        (f"/a/{SECRET}/cancel/", "/a/[token]/cancel/"),
        ("mail to ada@example.org failed", "mail to [e-mail] failed"),
        ("<ada.lovelace+x@mail.example.org>", "<[e-mail]>"),
        ('to "josé@exämple.org".', 'to "[e-mail]".'),
        ("sms to +33 6 39 98 12 34 refused", "sms to [phone] refused"),
        ("sms to 0033639981234 refused", "sms to [phone] refused"),
        ("sms to 06 39 98 12 34 refused", "sms to [phone] refused"),
        ("duplicate\nDETAIL:  Key (email)=(x) exists.\nnext", "duplicate\nDETAIL: [hidden]\nnext"),
    ],
)
def test_what_is_scrubbed(said: str, written: str) -> None:
    assert scrub(said) == written


@pytest.mark.parametrize(
    "said",
    [
        "booked 3 appointments in 0.25 s",
        "2026-11-22T02:57:17.192Z INFO horae.access GET bookings:clinic 200 12 ms 4f2c9a",
        "task audit.seal[5c0b1f7e-9f0e-4c53-8a77-0d5a6d3a0f11] done",
        "is this a question? yes",
    ],
)
def test_what_is_left_alone(said: str) -> None:
    assert scrub(said) == said


@given(st.emails())
def test_no_address_of_any_form_passes(address: str) -> None:
    assert scrub(f"mail to {address} failed") == "mail to [e-mail] failed"


def record(message: str, **extra: object) -> logging.LogRecord:
    """A log record as a logger would make it."""
    made = logging.LogRecord("horae", logging.ERROR, __file__, 1, message, (), None)
    made.__dict__.update(extra)
    return made


def test_django_s_own_request_line_gets_the_route_instead_of_the_path() -> None:
    request = RequestFactory().get(f"/a/{SECRET}/")
    request.META.update(HORAE_ROUTE="bookings:appointment", HORAE_REQUEST_ID="r1")
    failed = record("Internal Server Error: %s", request=request, status_code=500)
    failed.args = (f"/a/{SECRET}/",)
    Routes().filter(failed)
    line = Line("%(message)s").format(failed)
    assert line == "request refused or failed: GET bookings:appointment 500 r1 status_code=500"


def test_a_traceback_keeps_its_frames_and_hides_what_the_exception_quotes() -> None:
    try:
        raise ValueError("'Ada Lovelace' is not a date, nor \"10 December 1815\"")
    except ValueError as wrong:
        failed = record("failed")
        failed.exc_info = (ValueError, wrong, wrong.__traceback__)
    line = Line("%(message)s").format(failed)
    assert "ValueError: '…' is not a date, nor '…'" in line
    assert "test_logs.py" in line
    assert "1815" not in line.splitlines()[-1]


def test_unknown_extras_are_not_written() -> None:
    assert Line("%(message)s").format(record("done", patient="Ada", count=3)) == "done count=3"
