"""A database in which everything is really committed, for tests of what only a commit shows."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

_TABLES = (
    *("sample_entry", "sample_entry_tags", "sample_remark", "sample_scratch", "sample_tag", "sample_visit"),
    *("audit_record", "audit_chain", "audit_cursor", "audit_parkedrecord", "audit_segment", "audit_tile"),
    *("audit_verification", "audit_legalhold", "audit_anchor"),
)


@pytest.fixture(name="db")
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A module that imports this has it instead of pytest-django's `db`.

    No transaction around the test; the sample tables and the stream are emptied before and after it, which takes a
    tenth of what flushing every table of the house does.
    """
    with django_db_blocker.unblock():
        _empty()
        try:
            yield
        finally:
            _empty()


def _empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(_TABLES)} RESTART IDENTITY")
        cursor.execute('DELETE FROM "audit_fact"')
