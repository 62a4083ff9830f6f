"""Django's view of the `bookings` app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BookingsConfig(AppConfig):
    name = "bookings"
    verbose_name = _("Bookings")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say where else a patient's data are, and answer what other rooms ask; both read models, so not before now."""
        import_module("bookings.subjects")
        import_module("bookings.doors").open_doors(self)
