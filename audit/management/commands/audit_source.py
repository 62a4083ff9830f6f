"""`manage.py audit_source`: from where what a record tells was done, while that may still be read."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError
from django.db import transaction
from django.utils.translation import gettext

from audit import canonical, origins
from audit.commands import AuditedCommand, found_record
from audit.keys.keyring import KeyDestroyed, KeyMissing
from audit.keys.tokens import SealBroken


class Command(AuditedCommand):
    help = (
        "Opens the address and the session a record was written from. That it was opened, by whom and why, becomes a "
        "record of the same chain. After HORAE_SOURCE_DAYS the key is gone, and nobody can open it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("record", help="the record's id, or its chain and number: clinic/17:4711")
        parser.add_argument("--why", required=True, help="the matter it is opened for; it is recorded: name no patient")
        parser.add_argument("--json", action="store_true", help="print JSON")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        record = found_record(options["record"])
        if record is None:
            raise CommandError(gettext("There is no such record."))
        try:
            found = origins.opened(record=canonical.decode(record.body.encode()), why=options["why"])
        except KeyDestroyed as error:
            raise CommandError(gettext("Its key was destroyed when its days were over.")) from error
        except (KeyMissing, SealBroken, canonical.ProfileError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(found))
        elif not found:
            self.stdout.write(gettext("The record does not say."))
        for part, value in () if options["json"] else found.items():
            self.stdout.write(f"{part}: {value}")
