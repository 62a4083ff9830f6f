"""A span of time as people say it: a number, and whether it counts minutes, hours or days."""

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

#: Minutes in each unit, the largest first.
UNITS: Final = ((1440, _("days")), (60, _("hours")), (1, _("minutes")))
#: A year: whatever is meant by more is a slip.
LONGEST: Final = 366 * 1440


class SpanWidget(forms.MultiWidget):
    """A number beside its unit; the field's label is the number's."""

    use_fieldset = False

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        number = forms.NumberInput(attrs={"min": 0, "class": "vIntegerField"})
        unit = forms.Select(choices=[(str(size), name) for size, name in UNITS], attrs={"aria-label": _("unit")})
        super().__init__([number, unit], attrs)

    def id_for_label(self, id_: str) -> str:
        """The number's id."""
        return f"{id_}_0" if id_ else ""

    def decompress(self, value: int | None) -> list[Any]:
        """Minutes in the largest unit that leaves nothing over."""
        if value is None:
            return [None, "1"]
        size = next(size for size, _name in UNITS if value % size == 0) if value else 60
        return [value // size, str(size)]


class SpanField(forms.MultiValueField):
    """Whole minutes, shown and typed in minutes, hours or days."""

    widget = SpanWidget

    def __init__(self, **kwargs: Any) -> None:
        number = forms.IntegerField(validators=[MinValueValidator(0)])
        unit = forms.TypedChoiceField(choices=[(str(size), name) for size, name in UNITS], coerce=int)
        too_long = MaxValueValidator(LONGEST, _("That is over a year."))
        super().__init__(fields=(number, unit), validators=[too_long], **kwargs)

    def compress(self, data_list: Sequence[Any]) -> int | None:
        """The minutes of a number and a unit."""
        return data_list[0] * data_list[1] if data_list else None
