"""Who acts where a recorder wants a row of Django's users."""

from typing import Any

from django.contrib.auth import get_user_model

_known: list[Any] = []


def somebody() -> Any:
    """The same user each time, made at first."""
    if not _known:
        _known.append(get_user_model()._default_manager.create(username="carla"))
    return _known[0]
