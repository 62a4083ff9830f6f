"""What the tests of notifications share."""

import pytest

from tests.factories import Cast, cast
from tests.servers import mail_sink

__all__ = ["mail_sink"]


@pytest.fixture
def people(db: None) -> Cast:
    """The whole cast."""
    return cast()
