"""Fields for text people type or paste: tidied without loss, refused where it could deceive."""

import re
import unicodedata
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

#: Invisible characters that reorder text (Unicode bidi controls): pasted along by accident, or meant to deceive.
BIDI_CONTROLS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_REFUSED: Final = {"Cc", "Co", "Cs", "Cn"}


def without_bidi(value: str) -> str:
    """The text without the characters that reorder what stands around them; joiners that scripts need stay."""
    return BIDI_CONTROLS.sub("", value)


def _refuse_controls(value: str) -> None:
    if any(unicodedata.category(character) in _REFUSED and character not in "\n\t" for character in value):
        raise ValidationError(
            _("This contains characters that cannot be read. Please type it again."), code="unreadable"
        )


class PersonNameField(forms.CharField):
    """A name in any script: composed (NFC), single spaces, no control characters, at least one letter."""

    def to_python(self, value: Any) -> str:
        """Tidy spaces and composition."""
        text = without_bidi(super().to_python(value) or "")
        return unicodedata.normalize("NFC", re.sub(r"[ \t\r\n\u00a0\u2000-\u200a\u202f\u3000]+", " ", text)).strip()

    def validate(self, value: str) -> None:
        """Refuse what cannot be read, and what is no name."""
        super().validate(value)
        _refuse_controls(value)
        if value and not any(unicodedata.category(character).startswith("L") for character in value):
            raise ValidationError(_("A name needs at least one letter."), code="no_letter")


class LongTextField(forms.CharField):
    """A few lines of free text; line ends count once."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        """One kind of line end, no bidi controls."""
        text = without_bidi(super().to_python(value) or "")
        return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))

    def validate(self, value: str) -> None:
        """Refuse what cannot be read."""
        super().validate(value)
        _refuse_controls(value)


class PhoneField(forms.CharField):
    """A phone number as people write it: digits with spaces, dots, dashes, slashes, brackets, and a plus in front."""

    def validate(self, value: str) -> None:
        """Refuse what no phone can dial."""
        super().validate(value)
        digits = sum(character.isdigit() for character in value)
        if value and not (re.fullmatch(r"\+?[0-9 ()./\-\u00a0]+", value) and 5 <= digits <= 15):
            raise ValidationError(_("Write the phone number with digits, such as +33 4 12 34 56 78."), code="phone")
