"""The functions inside the database: whose rights they use, what they make of a session, when they changed."""

import pytest
from django.db import DatabaseError, connection, transaction

from audit import functions

pytestmark = pytest.mark.django_db


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_the_functions_run_as_their_owner_with_a_pinned_path() -> None:
    """A role without any right on the facts leaves facts, and cannot put its own functions in the way."""
    run(
        "CREATE ROLE evidence_clerk",
        "GRANT USAGE, CREATE ON SCHEMA public TO evidence_clerk",
        "GRANT SELECT, INSERT, UPDATE ON sample_tag TO evidence_clerk",
        "GRANT USAGE ON SEQUENCE sample_tag_id_seq TO evidence_clerk",
        "SET LOCAL ROLE evidence_clerk",
        "CREATE FUNCTION public.to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$",
        "SET LOCAL search_path = public, pg_catalog",
        "INSERT INTO sample_tag (name) VALUES ('by a clerk')",
    )
    for forbidden in (
        "SELECT * FROM audit_fact",
        "DELETE FROM audit_fact",
        "ALTER TABLE sample_tag DISABLE TRIGGER audit_row",
        "CREATE TABLE m (id int); CREATE TRIGGER t AFTER INSERT ON m FOR EACH ROW EXECUTE FUNCTION audit_row()",
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            run(forbidden)
    run("SET LOCAL search_path = public", "RESET ROLE")
    with connection.cursor() as cursor:
        cursor.execute("SELECT tbl, new->>'name', db_user FROM audit_fact")
        assert cursor.fetchall() == [("sample_tag", "by a clerk", connection.settings_dict["USER"])]


def test_the_version_names_the_text_of_the_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    before = functions.version()
    monkeypatch.setattr(functions, "_FUNCTIONS", functions._FUNCTIONS[:-1])
    assert functions.version() != before


def test_they_are_installed_as_written() -> None:
    assert functions.altered(connection) == []
