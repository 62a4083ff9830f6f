"""`manage.py prepare_demo`: everything between an empty folder and a served demo, in one process."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from config.embedded.static import collected


class Command(BaseCommand):
    """Migrate, seed, collect static files; what is done already is not done again."""

    help = "Migrate, seed and collect static files, as `make demo` does before it serves."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do all three, quickly when there is nothing to do."""
        call_command("migrate", interactive=False)
        if settings.KEYS_DATABASE != "default":
            call_command("migrate", database=settings.KEYS_DATABASE, interactive=False)
        call_command("seed_demo")
        if not collected():
            call_command("collectstatic", interactive=False, verbosity=0)
