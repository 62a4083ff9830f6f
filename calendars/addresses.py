"""Which addresses a calendar may have. What is well formed must still be on the declared list (`audit.residency`)."""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from audit.residency import is_loopback


def check_address(value: str) -> None:
    """Raise ValidationError unless `value` is the https address of a collection (http here), without a login."""
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise ValidationError(_("This is not a web address."), code="address") from None
    if (
        any(character.isspace() or ord(character) < 33 for character in value)
        or parts.scheme not in ("http", "https")
        or not host
    ):
        raise ValidationError(_("This is not a web address."), code="address")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValidationError(_("The address must begin with https://."), code="address")
    if parts.username is not None or parts.password is not None:
        raise ValidationError(_("Write user name and password in their own fields."), code="address")
    if parts.query or parts.fragment or not parts.path.endswith("/"):
        raise ValidationError(_("The address of a calendar ends in a slash, with nothing after it."), code="address")
