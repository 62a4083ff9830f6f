"""Django's view of the sample app."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class SampleConfig(AppConfig):
    name = "tests.audit.sample"
    label = "sample"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Empty the outbox after every migrate and flush.

        The flush at the end of a transactional test truncates audited tables, which is itself a fact, and would be the
        first thing the next test finds. This app comes last, so what other apps write after a flush goes too.
        """
        post_migrate.connect(_empty_outbox, sender=self, dispatch_uid="sample.empty_outbox")


def _empty_outbox(*, using: str, **kwargs: Any) -> None:
    connection = connections[using]
    with connection.cursor() as cursor:
        if "audit_fact" in connection.introspection.table_names(cursor):
            cursor.execute('DELETE FROM "audit_fact"')
