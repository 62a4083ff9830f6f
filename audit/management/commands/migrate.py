"""Django's migrate, which also says when an evidence trigger waits for a migration."""

from django.core.management.commands import migrate

from audit.autodetector import EvidenceAutodetector


class Command(migrate.Command):
    autodetector = EvidenceAutodetector
