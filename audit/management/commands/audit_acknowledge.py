"""`manage.py audit_acknowledge`: account for findings, by their numbers, with a reason."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from audit.commands import AuditedCommand
from audit.findings import NotAFinding, acknowledge, unacknowledged


class Command(AuditedCommand):
    help = "Accounts for changes made past the application; without a number, lists those nobody has accounted for."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("chain", nargs="?", help="platform, or clinic/<id>")
        parser.add_argument("seq", nargs="*", type=int, help="numbers of the records in that chain")
        parser.add_argument("--reason", default="", help="why it came about: becomes part of the evidence")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["seq"]:
            self._acknowledge(options["chain"], options["seq"], options["reason"], as_json=options["json"])
        else:
            self._list(options["chain"], as_json=options["json"])

    def _acknowledge(self, chain: str, numbers: list[int], reason: str, *, as_json: bool) -> None:
        if not reason.strip():
            raise CommandError("Say why with --reason: it becomes part of the evidence.")
        for seq in numbers:
            try:
                acknowledge(actor=self.actor(), chain=chain, seq=seq, reason=reason)
            except NotAFinding as error:
                raise CommandError(str(error)) from error
        if as_json:
            self.stdout.write(json.dumps({"chain": chain, "acknowledged": numbers}))
        else:
            self.stdout.write(f"{chain}: acknowledged {', '.join(map(str, numbers))}")

    def _list(self, chain: str | None, *, as_json: bool) -> None:
        found = unacknowledged().filter(**({"chain": chain} if chain else {}))
        rows = [
            {
                "chain": record.chain,
                "seq": record.seq,
                "capture": record.capture,
                "model": record.model,
                "pk": record.object_pk,
                "operation": record.operation,
                "at": record.at.isoformat(),
            }
            for record in found.iterator()
        ]
        if as_json:
            self.stdout.write(json.dumps(rows))
            return
        for row in rows:
            self.stdout.write("{chain} {seq}: {capture}, {operation} {model} {pk} at {at}".format(**row))
        if not rows:
            self.stdout.write("Nothing waits to be accounted for.")
