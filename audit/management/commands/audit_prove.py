"""`manage.py audit_prove`: a file that proves one record, for whoever checks it alone."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import CommandError
from django.utils.translation import gettext

from audit.commands import AuditedCommand, found_record
from audit.proving import CannotProve, NotSealed, exported, prove


class Command(AuditedCommand):
    help = (
        "Writes the proof that a record stands in its chain under the newest signed head (c2sp.org/tlog-proof). "
        "Check it with `python verify.pyz proof FILE --key KEY`; `audit_verifier` makes that program."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("record", help="the record's id, or its chain and number: clinic/17:4711")
        parser.add_argument("--out", type=Path, help="where to write it; by default <chain>-<number>.tlog-proof here")
        parser.add_argument(
            "--without-content", action="store_true", help="leave the record itself out: who checks must have it"
        )
        parser.add_argument(
            "--json", action="store_true", help="print the record with its hash and provenance_signature instead"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        record = found_record(options["record"])
        if record is None:
            raise CommandError(gettext("There is no such record."))
        try:
            proof = prove(record, content=options["json"] or not options["without_content"])
        except NotSealed as error:
            raise CommandError(gettext("This record is not sealed yet. Run audit_seal, then try again.")) from error
        except CannotProve as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(exported(proof), ensure_ascii=False))
            return
        out = options["out"] or Path(f"{record.chain.replace('/', '-')}-{record.seq}.tlog-proof")
        try:
            out.write_bytes(proof.to_bytes())
        except OSError as error:
            raise CommandError(f"{out}: {error.strerror}") from error
        self.stdout.write(str(out))
