"""A service's short name is its address below the clinic's."""

import pytest
from django.core.exceptions import ValidationError

from tests.factories import ServiceFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("page", ["accessibility", "book", "imprint", "privacy"])
def test_a_service_cannot_take_the_address_of_a_page_of_the_clinic(page: str) -> None:
    service = ServiceFactory(slug=page)
    with pytest.raises(ValidationError) as refused:
        service.full_clean()
    assert list(refused.value.message_dict) == ["slug"]
