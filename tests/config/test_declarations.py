"""Tables that are not ours hold nothing about patients, and staff's secrets as digests only."""

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import models

from audit.declare import Category, declaration_of, declarations
from audit.subjects import subject_model
from bookings.models import Patient, User
from config import declarations as ours
from tests.factories import PatientFactory, UserFactory

THIRD_PARTIES = ("account", "admin", "auth", "contenttypes", "mfa", "sessions", "socialaccount")


def test_every_third_party_table_is_declared_here_and_not_about_patients() -> None:
    found = {label for label in declarations() if label.split(".")[0] in THIRD_PARTIES}
    assert len(found) == 12
    for label in found:
        declaration = declarations()[label]
        assert subject_model(declaration) in (None, User), label
        assert Category.HEALTH not in declaration.categories.values(), label


@pytest.mark.parametrize("label", ["account.emailaddress", "mfa.authenticator", "socialaccount.socialaccount"])
def test_an_address_or_secret_of_staff_enters_the_evidence_as_a_digest_only(label: str) -> None:
    declaration = declarations()[label]
    assert declaration.audited
    secret = declaration.fields_of(Category.CONTACT, Category.CREDENTIAL, Category.IDENTITY)
    assert set(secret) == set(declaration.digest)


@pytest.mark.parametrize("model", [Session, LogEntry, ContentType])
def test_what_the_framework_keeps_for_itself_is_no_evidence(model: type[models.Model]) -> None:
    declaration = declaration_of(model)
    assert declaration is not None
    assert not declaration.audited
    assert declaration.exempt_reason


def test_every_use_of_this_house_is_complete() -> None:
    for use in (ours.SIGNING_IN, ours.SESSIONS, ours.ADMIN_LOG, ours.ROLES):
        assert all((use.activity, use.purpose, use.basis, use.duration, use.source, use.subjects))


@pytest.mark.django_db
def test_the_admins_log_stores_a_patient_as_a_code() -> None:
    ada: Patient = PatientFactory()
    LogEntry.objects.log_actions(UserFactory().pk, [ada], ADDITION, single_object=True)
    entry = LogEntry.objects.get()
    assert entry.object_repr == ada.code
    assert "Lovelace" not in str(vars(entry))
