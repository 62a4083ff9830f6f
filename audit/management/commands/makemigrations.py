"""Django's makemigrations, which also installs and removes evidence triggers as the declarations say."""

from django.core.management.commands import makemigrations

from audit.autodetector import EvidenceAutodetector


class Command(makemigrations.Command):
    autodetector = EvidenceAutodetector
