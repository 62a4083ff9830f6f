"""Nothing is recorded."""

from contextlib import AbstractContextManager, nullcontext
from typing import Final

from django.db.models import Model

INSTALLED: Final[tuple[str, ...]] = ()
LOG: Final[tuple[str, ...]] = ()


def record(entry: type[Model], tag: type[Model], remark: type[Model]) -> None:
    """There is nothing to prepare."""


def install() -> None:
    """There is nothing to install."""


def recorded() -> list[str]:
    """Nothing was."""
    return []


def forget() -> None:
    """There is nothing to forget."""


def acting() -> AbstractContextManager[object]:
    """Nobody asks who acts."""
    return nullcontext()
