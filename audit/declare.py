"""Every model says here what it holds, why, and whether its changes are evidence.

A model is either *audited* (row triggers write its facts) or *exempt* with a reason; either way each concrete field
carries exactly one category. The one map made of this is read by the triggers, the system checks, the subject export,
erasure and the records of processing (GDPR Art. 30), so none of them can disagree with another.

Decorators run while classes are created: nothing here imports a model or needs the app registry before a property that
says so is read.
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeVar

from django.apps import apps
from django.db import models

M = TypeVar("M", bound=models.Model)

PLATFORM: Final = ""
"""The chain of rows that belong to no clinic."""

SELF: Final = "self"
"""The subject path of a model whose row is the person."""


class Category(enum.StrEnum):
    """What a field holds about a person. `HEALTH` and `SCHEDULE` are special categories (GDPR Art. 9)."""

    IDENTITY = "identity"
    CONTACT = "contact"
    HEALTH = "health"
    SCHEDULE = "schedule"
    CREDENTIAL = "credential"
    AUDIT = "audit"
    TECHNICAL = "technical"


class Retention(enum.StrEnum):
    """How long evidence about a model is locked: the tag decides the WORM class, shortest last."""

    LEGAL_HOLD = "legal_hold"
    REGULATORY = "regulatory_retention"
    TRANSACTIONAL = "transactional"
    EPHEMERAL = "ephemeral"


class OnErasure(enum.StrEnum):
    """What happens to a subject's rows of a model when the subject is erased."""

    DELETE = "delete"
    """The rows go (indexes, links, drafts)."""
    SCRUB = "scrub"
    """The rows stay; sealed values die with the key, other identity, contact, health and credential is blanked."""
    KEEP = "keep"
    """The rows stay as they are; the certificate lists them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One processing activity (GDPR Art. 30(1)), shared by the models that serve it.

    `activity` is the name under which the records of processing group models; `basis` names articles
    ("Art. 6(1)(b), 9(2)(h) GDPR"); `recipients` are categories of recipients, empty when nobody outside the clinic;
    `duration` is the retention in words ("12 months after the appointment"); `source` says where the data come from;
    `subjects` are the categories of data subjects ("patients", "staff").
    """

    activity: str
    purpose: str
    basis: str
    retention: Retention
    duration: str = ""
    recipients: tuple[str, ...] = ()
    source: str = ""
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What one model declared. `model`, `table` and `pk_column` need the app registry; everything else does not."""

    label: str
    """`app_label.ModelName`; a many-to-many table declared as `app.Model.field` becomes `app.Model_field`."""
    chain_column: str | None
    """Column that holds the clinic id (`id` for the clinic itself); None for the platform chain and exempt models."""
    subject: str
    """ORM path to the data subject, `self`, or empty."""
    appointment_column: str
    digest: tuple[str, ...]
    """Columns whose value never enters a fact: only its SHA-256 does."""
    categories: Mapping[str, Category]
    use: Use | None
    exempt_reason: str
    """Empty for an audited model."""
    clear: Mapping[str, str] = field(default_factory=dict)
    """Identity, contact or health fields of a sealed person that stay readable, each with its reason."""
    on_erasure: OnErasure = OnErasure.SCRUB
    repeated: frozenset[str] = frozenset()
    """Field names classified more than once (a system check refuses them)."""

    @property
    def audited(self) -> bool:
        return not self.exempt_reason

    @property
    def label_lower(self) -> str:
        return self.label.lower()

    @property
    def model(self) -> type[models.Model]:
        return apps.get_model(self.label)

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def pk_column(self) -> str:
        return str(self.model._meta.pk.column)

    def fields_of(self, *categories: Category) -> tuple[str, ...]:
        """Field names in any of the categories, in declared order."""
        return tuple(name for name, category in self.categories.items() if category in categories)


class AlreadyDeclared(Exception):
    """A model was declared twice: one declaration would silently win."""


_declared: dict[str, Declaration] = {}


def declarations() -> Mapping[str, Declaration]:
    """Every declaration by lower-case label (`bookings.patient`), in the order they were made."""
    return MappingProxyType(_declared)


def declaration_of(model: type[models.Model] | models.Model) -> Declaration | None:
    """The declaration of a model (a proxy answers for its concrete model), or None when it has none."""
    concrete = model._meta.concrete_model or model
    return _declared.get(concrete._meta.label_lower)


def audited(
    *,
    chain: str,
    use: Use | None = None,
    subject: str = "",
    appointment: str = "",
    digest: tuple[str, ...] = (),
    clear: Mapping[str, str] | None = None,
    on_erasure: OnErasure = OnErasure.SCRUB,
    **categories: str,
) -> Callable[[type[M]], type[M]]:
    """Class decorator: changes of this model are evidence in the chain its `chain` column names.

    `categories` are `identity="family_name given_name", technical="id"`: field names separated by spaces under the
    name of a Category; every concrete field appears once among them. Raises ValueError for a name that is no category.
    """

    def decorate(model: type[M]) -> type[M]:
        declare_audited(
            model._meta.label,
            chain=chain,
            use=use,
            subject=subject,
            appointment=appointment,
            digest=digest,
            clear=clear,
            on_erasure=on_erasure,
            **categories,
        )
        return model

    return decorate


def exempt(
    reason: str,
    *,
    use: Use | None = None,
    subject: str = "",
    clear: Mapping[str, str] | None = None,
    on_erasure: OnErasure = OnErasure.DELETE,
    **categories: str,
) -> Callable[[type[M]], type[M]]:
    """Class decorator: this model is no evidence, for the reason given. Its fields are classified all the same."""

    def decorate(model: type[M]) -> type[M]:
        declare_exempt(
            model._meta.label,
            reason,
            use=use,
            subject=subject,
            clear=clear,
            on_erasure=on_erasure,
            **categories,
        )
        return model

    return decorate


def declare_audited(
    label: str,
    *,
    chain: str,
    use: Use | None = None,
    subject: str = "",
    appointment: str = "",
    digest: tuple[str, ...] = (),
    clear: Mapping[str, str] | None = None,
    on_erasure: OnErasure = OnErasure.SCRUB,
    **categories: str,
) -> None:
    """`audited` for a model that cannot be decorated: a third party's, or a many-to-many through table."""
    by_field, repeated = _classify(categories)
    _declare(
        Declaration(
            label=_through(label),
            chain_column=chain or None,
            subject=subject,
            appointment_column=appointment,
            digest=digest,
            categories=by_field,
            use=use,
            exempt_reason="",
            clear=dict(clear or {}),
            on_erasure=on_erasure,
            repeated=repeated,
        )
    )


def declare_exempt(
    label: str,
    reason: str,
    *,
    use: Use | None = None,
    subject: str = "",
    clear: Mapping[str, str] | None = None,
    on_erasure: OnErasure = OnErasure.DELETE,
    **categories: str,
) -> None:
    """`exempt` for a model that cannot be decorated. Raises ValueError when no reason is given."""
    if not reason.strip():
        raise ValueError(f"{label} is exempt from audit without a reason")
    by_field, repeated = _classify(categories)
    _declare(
        Declaration(
            label=_through(label),
            chain_column=None,
            subject=subject,
            appointment_column="",
            digest=(),
            categories=by_field,
            use=use,
            exempt_reason=reason,
            clear=dict(clear or {}),
            on_erasure=on_erasure,
            repeated=repeated,
        )
    )


def _through(label: str) -> str:
    """`bookings.User.groups` -> `bookings.User_groups`, the name Django gives the table between the two."""
    app_label, _, rest = label.partition(".")
    return f"{app_label}.{rest.replace('.', '_')}"


def _declare(declaration: Declaration) -> None:
    if declaration.label_lower in _declared:
        raise AlreadyDeclared(f"{declaration.label} is declared twice")
    _declared[declaration.label_lower] = declaration


def _classify(categories: Mapping[str, str]) -> tuple[dict[str, Category], frozenset[str]]:
    by_field: dict[str, Category] = {}
    repeated: set[str] = set()
    for category, names in categories.items():
        for name in names.split():
            if name in by_field:
                repeated.add(name)
            by_field[name] = Category(category)
    return by_field, frozenset(repeated)
