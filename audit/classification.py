"""Questions asked of the one map: what is personal, what is special, what must be sealed."""

from collections.abc import Iterator
from typing import Final

from django.db import models

from audit.declare import Category, Declaration, declaration_of

SPECIAL: Final = frozenset({Category.HEALTH, Category.SCHEDULE})
"""GDPR Art. 9: what a person's diary at a clinic says is health data too."""

PERSONAL: Final = frozenset({Category.IDENTITY, Category.CONTACT, Category.CREDENTIAL}) | SPECIAL
"""Everything about a person; `audit` and `technical` are about the system."""

SEALABLE: Final = frozenset({Category.IDENTITY, Category.CONTACT, Category.HEALTH})
"""What is never stored readable for a person who has a key."""


def category_of(model: type[models.Model] | models.Model, name: str) -> Category | None:
    """The category of one field of a model, or None when model or field is not declared."""
    declaration = declaration_of(model)
    return None if declaration is None else declaration.categories.get(name)


def personal_fields(declaration: Declaration) -> Iterator[tuple[str, Category]]:
    """The fields of a declaration that say something about a person, in declared order."""
    return ((name, category) for name, category in declaration.categories.items() if category in PERSONAL)
