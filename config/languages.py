"""Which languages the pages speak: English, which the code is written in, and one for each folder of translations."""

from collections.abc import Iterable
from pathlib import Path

from django.conf.locale import LANG_INFO


def folders(places: Iterable[Path]) -> list[str]:
    """Codes of the languages that have a catalogue (`<code>/LC_MESSAGES/django.po`) in any of these places, sorted."""
    return sorted({source.parent.parent.name for place in places for source in place.glob("*/LC_MESSAGES/django.po")})


def languages(places: Iterable[Path]) -> list[tuple[str, str]]:
    """Code and name of each language, English first. Each is named in itself: a reader looks for their own."""
    return [("en", "English"), *((code, _name(code)) for code in folders(places))]


def _name(code: str) -> str:
    name = str(LANG_INFO.get(code, {}).get("name_local", code))
    return name[:1].upper() + name[1:]
