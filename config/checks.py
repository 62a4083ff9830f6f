"""System checks of the house."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from config.residency import faults
from config.timestamps import fault


@register("residency")
def residency(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """horae.E101: an endpoint outside the declared list, or a public origin served without care."""
    return [Error(sentence, id="horae.E101") for sentence in faults(settings)]


@register("timestamps")
def timestamps(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """horae.E102: an authority is to stamp the heads, but nothing says whose stamps to believe."""
    sentence = fault(settings)
    return [Error(sentence, id="horae.E102")] if sentence else []
