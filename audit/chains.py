"""Names of chains: `clinic/<id>` for what belongs to a clinic, `platform` for the rest, `heads` for the log of logs."""

import re
from typing import Final

from django.db import models

from audit.declare import declaration_of

PLATFORM_CHAIN: Final = "platform"
HEADS_CHAIN: Final = "heads"
"""The log of logs (`audit.heads`)."""
_NAME: Final = re.compile(rf"{PLATFORM_CHAIN}|{HEADS_CHAIN}|clinic/[0-9]{{1,18}}")


def is_chain(name: str) -> bool:
    """Whether something can be written to a chain of this name."""
    return _NAME.fullmatch(name) is not None


def chain_of_clinic(clinic_id: object) -> str:
    """A clinic's chain; the platform's for what belongs to none."""
    return PLATFORM_CHAIN if clinic_id is None else f"clinic/{clinic_id}"


def chain_of(row: models.Model | None) -> str:
    """The chain that holds the evidence about a row."""
    declaration = None if row is None else declaration_of(row)
    if row is None or declaration is None or declaration.chain_column is None:
        return PLATFORM_CHAIN
    names = {column.column: column.attname for column in row._meta.concrete_fields}
    return chain_of_clinic(getattr(row, names[declaration.chain_column]))
