"""`manage.py seed_demo`: the demo's clinics, people and diary, once."""

import random
import secrets
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.utils import timezone

from audit import stream
from audit.commands import AuditedCommand
from audit.context import Actor
from audit.sequencer import sequence
from bookings.models import Clinic
from config.seed import build
from config.seed.places import LYON, VIENNA

WORDS = (
    "amber birch cedar delta ember fjord grove heron inlet juniper kestrel lagoon meadow nectar olive pebble quartz"
    " river slate thyme"
).split()
MESSAGES = "notifications"


class Command(AuditedCommand):
    help = "Fills an empty database with two invented clinics; does nothing when there is one already."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help="same seed and same day, same data")
        parser.add_argument("--patients", type=int, default=settings.SEED_PATIENTS)
        parser.add_argument("--weeks", type=int, default=settings.SEED_WEEKS, help="of diary before and after today")

    def handle(self, *args: Any, **options: Any) -> None:
        if Clinic.objects.exists():
            self.stdout.write("The demo's data are there already; nothing to do.")
            return
        began = time.monotonic()
        now = timezone.now()
        dice = random.Random(options["seed"])  # noqa: S311 - invented data, not secrets
        actor = Actor.system("seed")
        password = "-".join(secrets.choice(WORDS) for _ in range(3)) + f"-{secrets.randbelow(90) + 10}"
        logins = build.clinics(actor=actor, password=password)
        self._write_logins(logins, password)
        shares = {"cabinet-des-terreaux": 0.7, "ordination-alsergrund": 0.3}
        total = 0
        for clinic in Clinic.objects.order_by("pk"):
            self.stdout.write(f"{clinic.name}: patients")
            count = round(options["patients"] * shares[clinic.slug])
            people = build.people(actor=actor, clinic=clinic, count=count, dice=dice, today=now.date())
            total += build.diary(
                actor=actor,
                clinic=clinic,
                patients_=people,
                dice=dice,
                now=now,
                weeks=options["weeks"],
                progress=self.stdout.write,
            )
        sequence()
        # The people are invented: nobody is written to about appointments that were never asked for.
        stream.skip_to_head(MESSAGES)
        self.stdout.write(f"{options['patients']} patients, {total} appointments in {time.monotonic() - began:.0f} s")

    def _write_logins(self, logins: list[build.Login], password: str) -> None:
        lines = [f"All demo accounts share one password: {password}", ""]
        lines += [
            f"  {login.username:<10} {login.role:<13} {login.name}{', ' + login.clinic if login.clinic else ''}"
            for login in logins
        ]
        parents = " or ".join(f"patient{build.PARENT_OF_TWO}@{slug}.example" for slug in (LYON.slug, VIENNA.slug))
        lines += ["", f"Patients sign in at /me/ with a code by mail: {parents}, each a parent of two."]
        path = settings.DATA / "logins.txt"
        path.touch(mode=0o600)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
