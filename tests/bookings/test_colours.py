"""An accent may be any colour; what is shown can be read."""

import re

from hypothesis import given
from hypothesis import strategies as st

from bookings import colours

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_what_wcag_says() -> None:
    assert round(colours.contrast("#000000", "#ffffff"), 2) == 21
    assert round(colours.contrast("#777777", "#ffffff"), 2) == 4.48


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert colours.readable("#0f6b62", on=colours.PAPER) == "#0f6b62"


@given(COLOURS)
def test_every_accent_can_be_read_by_day_and_by_night(colour: str) -> None:
    light, dark = re.findall(r"--accent:(#[0-9a-f]{6})", colours.accent_css(colour))
    assert colours.contrast(light, colours.PAPER) >= 4.5
    assert colours.contrast(light, "#ffffff") >= 4.5
    assert colours.contrast(dark, colours.NIGHT) >= 4.5
