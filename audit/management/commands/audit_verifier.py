"""`manage.py audit_verifier`: write the single-file verifier."""

from argparse import ArgumentParser
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.core.management import CommandError

from audit import signing
from audit.commands import AuditedCommand
from audit.verifier import packed


class Command(AuditedCommand):
    help = (
        "Writes verify.pyz, one file that checks evidence and proofs offline with a bare Python 3.11, and prints its "
        "SHA-256 and the public key to check with. Give both to whoever checks, apart from the evidence."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, default=Path("verify.pyz"))

    def handle(self, *args: Any, **options: Any) -> None:
        data = packed()
        try:
            options["out"].write_bytes(data)
        except OSError as error:
            raise CommandError(f"{options['out']}: {error.strerror}") from error
        self.stdout.write(f"{options['out']}  SHA-256 {sha256(data).hexdigest()}")
        self.stdout.write(f"log {signing.log_name()}  key {signing.signer().public_key.hex()}")
