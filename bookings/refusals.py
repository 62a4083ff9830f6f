"""The root of every expected refusal: something a person asked that cannot be, with a sentence for that person."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Refusal(Exception):
    """An expected refusal. `message` is shown to the person, in their language; it is never logged as an error."""

    message: str | Promise = _("This is not possible.")

    def __str__(self) -> str:
        return str(self.message)
