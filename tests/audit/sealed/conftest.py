"""Ada, for the tests of sealed fields."""

import pytest

from bookings.models import Patient
from tests.factories import PatientFactory


@pytest.fixture
def ada() -> Patient:
    return PatientFactory()
