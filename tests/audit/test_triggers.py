"""What is installed is what is declared, and anything else is seen."""

import pytest
from django.db import connection

from audit import triggers
from audit.triggers import Discrepancy, Spec, audited_tables, discrepancies, exempt_tables

pytestmark = pytest.mark.django_db


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_every_declared_table_carries_its_triggers() -> None:
    assert discrepancies() == []
    assert {"sample_entry", "sample_entry_tags", "sample_visit", "sample_tag"} <= audited_tables().keys()
    assert {"audit_fact", "audit_record", "sample_scratch"} <= exempt_tables()


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("DROP TRIGGER audit_row ON sample_entry", Discrepancy("sample_entry", "missing")),
        ("DROP TRIGGER audit_truncate ON sample_tag", Discrepancy("sample_tag", "missing")),
        ("ALTER TABLE sample_entry DISABLE TRIGGER audit_row", Discrepancy("sample_entry", "disabled")),
        ("ALTER TABLE sample_entry DISABLE TRIGGER USER", Discrepancy("sample_entry", "disabled")),
        ("ALTER TABLE sample_entry ENABLE TRIGGER audit_row", Discrepancy("sample_entry", "disabled")),
        ("ALTER TABLE sample_entry ENABLE REPLICA TRIGGER audit_truncate", Discrepancy("sample_entry", "disabled")),
        (
            (
                "CREATE OR REPLACE TRIGGER audit_row AFTER INSERT ON sample_entry"
                " FOR EACH ROW EXECUTE FUNCTION audit_row('clinic', 'id', 'secret');"
                "ALTER TABLE sample_entry ENABLE ALWAYS TRIGGER audit_row"
            ),
            Discrepancy("sample_entry", "altered"),
        ),
        (
            (
                "CREATE OR REPLACE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON sample_tag"
                " FOR EACH ROW WHEN (false) EXECUTE FUNCTION audit_row('', 'id', '');"
                "ALTER TABLE sample_tag ENABLE ALWAYS TRIGGER audit_row"
            ),
            Discrepancy("sample_tag", "missing"),
        ),
        (
            (
                "CREATE OR REPLACE TRIGGER audit_row AFTER INSERT OR UPDATE OF name OR DELETE ON sample_entry"
                " FOR EACH ROW EXECUTE FUNCTION audit_row('clinic', 'id', 'secret');"
                "ALTER TABLE sample_entry ENABLE ALWAYS TRIGGER audit_row"
            ),
            Discrepancy("sample_entry", "altered"),
        ),
        (
            (
                "CREATE OR REPLACE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON sample_entry"
                " FOR EACH ROW EXECUTE FUNCTION audit_row('', 'id', '');"
                "ALTER TABLE sample_entry ENABLE ALWAYS TRIGGER audit_row"
            ),
            Discrepancy("sample_entry", "altered"),
        ),
        (
            "CREATE TRIGGER mine AFTER INSERT ON sample_scratch FOR EACH ROW EXECUTE FUNCTION audit_row('', 'id', '')",
            Discrepancy("sample_scratch", "undeclared"),
        ),
        (
            "CREATE OR REPLACE FUNCTION audit_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            Discrepancy("audit_row", "function"),
        ),
        ("ALTER FUNCTION audit_row() RESET ALL", Discrepancy("audit_row", "function")),
        ("ALTER FUNCTION audit_carry(text, jsonb) SECURITY INVOKER", Discrepancy("audit_carry", "function")),
        ("DROP FUNCTION audit_note(jsonb, text)", Discrepancy("audit_note", "function")),
    ],
)
def test_tampering_is_seen(tampering: str, found: Discrepancy) -> None:
    run(tampering)
    assert [one for one in discrepancies() if one == found or (one.table, found.what) == (found.table, "missing")]


def test_a_spec_is_what_its_declaration_says() -> None:
    spec = Spec.of(audited_tables()["sample_entry"])
    assert spec == Spec(table="sample_entry", chain="clinic", pk="id", digest=("secret",))
    assert spec.arguments == ("clinic", "id", "secret")


def test_what_equality_cannot_see_is_a_fact_all_the_same() -> None:
    """`json` has no equality at all, and 1.5 equals 1.50: neither stops a write nor hides a change."""
    run(
        "CREATE TABLE loose (id int, price numeric, note json)",
        *triggers.trigger_statements(Spec(table="loose", chain="", pk="id")),
        "INSERT INTO loose VALUES (1, 1.5, '{}')",
        "UPDATE loose SET price = 1.50",
        "UPDATE loose SET price = price, note = note",
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT op, new->>'price' FROM audit_fact ORDER BY id")
        assert cursor.fetchall() == [("I", "1.5"), ("U", "1.50")]
