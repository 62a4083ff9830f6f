"""With `KEYS_DATABASE_URL` the keys live in a database of their own, and everything works across the two."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection

STORY = """
import json, datetime
import django
django.setup()
from django.db import connections
from audit import erasure
from audit.context import Actor
from audit.keys import keyring
from audit.sealed import KeyDestroyed
from bookings.models import Patient
from tests.factories import PatientFactory

def tables(alias):
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname ~ '^(audit|bookings|auth)_' AND relkind = 'r'")
        return sorted(name for name, in cursor.fetchall())

ada = PatientFactory()
read = Patient.objects.get(pk=ada.pk).email
now = datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC)
erasure.erase(actor=Actor.system("test"), now=now, subject=ada, reference="R-1")
try:
    after = Patient.objects.get(pk=ada.pk).email
except KeyDestroyed:
    after = "destroyed"
print(json.dumps({"keys": tables("keys"), "default": tables("default"), "read": read, "after": after}))
"""


@pytest.fixture
def two_databases(tmp_path: Path, db: None) -> Iterator[dict[str, str]]:
    parameters = connection.get_connection_params() | {"dbname": "postgres", "autocommit": True}
    parameters = {
        name: parameters[name] for name in ("host", "port", "user", "password", "dbname") if parameters.get(name)
    }
    names = {key: f"{settings.DATABASES['default']['NAME']}_{key}" for key in ("main", "keys")}
    with psycopg.connect(**parameters, autocommit=True) as server:
        for name in names.values():
            server.execute(f'DROP DATABASE IF EXISTS "{name}"')
            server.execute(f'CREATE DATABASE "{name}"')
        url = urlsplit(settings.DATABASE_URL)
        yield os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": urlunsplit(url._replace(path=f"/{names['main']}")),
            "KEYS_DATABASE_URL": urlunsplit(url._replace(path=f"/{names['keys']}")),
            "HORAE_DATA": str(tmp_path),
        }
        for name in names.values():
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.mark.real
def test_keys_live_alone_in_their_database(two_databases: dict[str, str]) -> None:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], env=two_databases, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    run("manage.py", "migrate", "--verbosity", "0")
    run("manage.py", "migrate", "--verbosity", "0", "--database", "keys")
    told = json.loads(run("-c", STORY).splitlines()[-1])
    assert told["keys"] == ["audit_clinickey", "audit_sourcekey", "audit_subjectkey"]
    assert "bookings_patient" in told["default"]
    assert not {"audit_clinickey", "audit_subjectkey"} & set(told["default"])
    assert (told["read"], told["after"]) == ("ada@example.org", "destroyed")
