"""Django's view of the `audit` app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from audit import capture


class AuditConfig(AppConfig):
    """Evidence."""

    name = "audit"
    verbose_name = _("Evidence")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks (they read models, so not before now) and begin to listen to the models."""
        import_module("audit.checks")
        capture.connect()
