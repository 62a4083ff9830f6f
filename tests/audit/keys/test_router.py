"""Key rows live in the key database, and nothing else does."""

import pytest
from django.contrib.auth.models import Group
from pytest_django.fixtures import Settings

from audit.keys.router import KeysRouter
from audit.models import ClinicKey, Erasure, SubjectKey

ROUTER = KeysRouter()


@pytest.mark.parametrize("place", ["default", "keys"])
def test_keys_are_read_and_written_where_the_settings_say(settings: Settings, place: str) -> None:
    settings.KEYS_DATABASE = place
    for model in (ClinicKey, SubjectKey):
        assert ROUTER.db_for_read(model) == place
        assert ROUTER.db_for_write(model) == place
    for other in (Erasure, Group):
        assert ROUTER.db_for_read(other) is None
        assert ROUTER.db_for_write(other) is None


def test_a_separate_key_database_gets_the_key_tables_only(settings: Settings) -> None:
    settings.KEYS_DATABASE = "keys"
    assert ROUTER.allow_migrate("keys", "audit", "subjectkey") is True
    assert ROUTER.allow_migrate("keys", "audit", "clinickey") is True
    assert ROUTER.allow_migrate("default", "audit", "subjectkey") is False
    assert ROUTER.allow_migrate("keys", "audit", "erasure") is False
    assert ROUTER.allow_migrate("keys", "auth", "group") is False
    assert ROUTER.allow_migrate("keys", "audit") is False
    assert ROUTER.allow_migrate("default", "audit", "erasure") is None
    assert ROUTER.allow_migrate("default", "audit") is None


def test_one_database_for_all_needs_no_rule(settings: Settings) -> None:
    settings.KEYS_DATABASE = "default"
    assert ROUTER.allow_migrate("default", "audit", "subjectkey") is None
