"""Django's view of the `config` app: the guard of residency stands at its door."""

import sys

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig

from audit.ropa import transfers
from config import checks, declarations, timestamps
from config.residency import Refused, guard, verdicts

REGISTERING = (checks, declarations)  # imported for what they register: checks, and the tables that are not ours


class ConfigConfig(AppConfig):
    """The house."""

    name = "config"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the records of processing where data go; end the process when its settings must not be served."""
        transfers.register(lambda: verdicts(settings))
        try:
            guard(settings, arguments=sys.argv)
            timestamps.guard(settings, arguments=sys.argv)
        except Refused as refused:
            raise SystemExit(f"Horae does not start: {refused}") from None


class HoraeAdminConfig(AdminConfig):
    """Django's admin, with Horae's site as the default one. Here, because `config.admin` may import models."""

    default_site = "config.admin.HoraeAdminSite"
