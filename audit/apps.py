"""Django's view of the `audit` app."""

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from audit import capture


class AuditConfig(AppConfig):
    """Evidence."""

    name = "audit"
    verbose_name = _("Evidence")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks (they read models, so not before now); begin to listen to models and migrations."""
        import_module("audit.checks")
        capture.connect()
        post_migrate.connect(import_module("audit.watch").after_migrations, sender=self)
