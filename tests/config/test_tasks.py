"""Background work of the house itself."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from config.tasks import clear_sessions

pytestmark = pytest.mark.django_db


def test_sessions_that_ran_out_go_and_the_others_stay() -> None:
    for lives in (timedelta(hours=1), timedelta(hours=-1)):
        session = SessionStore()
        session.set_expiry(int(lives.total_seconds()))
        session["visitor"] = "random"
        session.save()
    clear_sessions()
    assert Session.objects.count() == 1
