"""The languages of the pages, as a form offers them."""

from typing import Final

from django.conf import settings

#: Names of languages in themselves: a reader looks for their own.
LANGUAGE_NAMES: Final = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "it": "Italiano",
    "nl": "Nederlands",
}


def language_choices() -> list[tuple[str, str]]:
    """The languages of the pages, each by its own name."""
    return [(code, LANGUAGE_NAMES.get(code, str(name))) for code, name in settings.LANGUAGES]
