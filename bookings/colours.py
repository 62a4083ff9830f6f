"""A clinic's accent colour, bent until text in it and on it can be read (WCAG 2.2, 1.4.3)."""

import colorsys
from typing import Final

Rgb = tuple[float, float, float]

READABLE: Final = 4.5
PAPER: Final = "#fbfaf7"
NIGHT: Final = "#1c2a29"


def parse(colour: str) -> Rgb:
    """`#1f6f78` as red, green and blue between 0 and 1."""
    return (int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parse(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable(colour: str, *, on: str) -> str:
    """The nearest lightness of `colour`'s hue with a contrast of at least 4.5 on the background `on`."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*parse(colour))
    step = -0.01 if luminance(on) > 0.18 else 0.01
    while contrast(colour, on) < READABLE:
        lightness = min(1.0, max(0.0, lightness + step))
        colour = "#" + "".join(f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(hue, lightness, saturation))
    return colour


def accent_css(colour: str) -> str:
    """The style sheet that puts a clinic's accent in place of the house's, by day and by night."""
    light, dark = readable(colour, on=PAPER), readable(colour, on=NIGHT)
    return f":root{{--accent:{light}}}@media(prefers-color-scheme:dark){{:root{{--accent:{dark}}}}}"
