"""What a person's data is, everywhere: one question for access, export and erasure.

The default source walks the declarations: every model whose `subject` path ends at the person's model. An app that
holds something no path reaches (a file, a row found only by a token) registers a source of its own in
`AppConfig.ready()`.
"""

import datetime
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, cast
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from audit.cell import Cell
from audit.declare import SELF, Category, Declaration, OnErasure, declarations
from audit.sealed import KeyDestroyed, SealedTextField, SealsUnderKey

SCRUBBED: Final = frozenset({Category.IDENTITY, Category.CONTACT, Category.HEALTH, Category.CREDENTIAL})
"""What erasure blanks where it stands in clear. Times and services stay: they are the clinic's own diary."""

ERASED: Final = "erased-"
"""How a unique text begins after erasure; what follows is random."""

UNIQUE_LENGTH: Final = 24


@dataclass(frozen=True, slots=True)
class Held:
    """One row about a person. `fields` maps a field's name to its category and its value in JSON's types."""

    model: str
    pk: str
    purpose: str
    source: str
    fields: Mapping[str, tuple[Category, Any]]


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did in tables: rows deleted and fields blanked by model."""

    deleted: Mapping[str, int] = field(default_factory=dict)
    blanked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class SubjectSource(Protocol):
    """Somewhere a person's data can be."""

    @property
    def name(self) -> str: ...

    def keys(self, *, subject: models.Model) -> Iterable[UUID]:
        """Keys under which the person's data are sealed there."""

    def collect(self, *, subject: models.Model) -> Iterable[Held]:
        """Everything held about the person there, opened."""

    def erase(self, *, subject: models.Model, now: datetime.datetime) -> Erased:
        """Delete and blank what erasure must reach there; again changes nothing. Keys are already destroyed."""


class CannotBlank(Exception):
    """A declared field can hold no empty value, so erasure could not blank it."""


def subject_model(declaration: Declaration) -> type[models.Model] | None:
    """The model at the end of a declaration's subject path; None without one. Raises FieldDoesNotExist."""
    if not declaration.subject:
        return None
    model = declaration.model
    if declaration.subject == SELF:
        return model
    for step in declaration.subject.split("__"):
        related = model._meta.get_field(step).related_model
        if related is None or isinstance(related, str):
            raise FieldDoesNotExist(
                f"{declaration.label}: {step} in subject path {declaration.subject!r} is no relation"
            )
        model = related
    return model


def rows_about(declaration: Declaration, *, subject: models.Model) -> models.QuerySet[models.Model]:
    """The rows of a declared model that are about the person, in primary key order."""
    rows = declaration.model._base_manager.order_by("pk")
    if declaration.subject == SELF:
        return rows.filter(pk=subject.pk)
    # A subquery: a path may pass a table with many rows per person, and DISTINCT can be neither locked nor deleted.
    found = declaration.model._base_manager.filter(**{declaration.subject: subject.pk})
    return rows.filter(pk__in=found.values("pk"))


def blank_value(column: models.Field[Any, Any]) -> Any:
    """What erasure writes into a field. Raises CannotBlank."""
    if column.null:
        return None
    if isinstance(column, models.CharField | models.TextField):
        if not column.unique:
            return ""
        if column.max_length is None or column.max_length >= UNIQUE_LENGTH:
            return f"{ERASED}{secrets.token_hex(16)}"[: column.max_length]
    if isinstance(column, ArrayField):
        return []
    if isinstance(column, models.JSONField):
        return {}
    if isinstance(column, models.BooleanField):
        return False
    raise CannotBlank(f"{column} is not null and has no empty value")


def to_blank(declaration: Declaration) -> tuple[str, ...]:
    """Fields of a declared model that erasure blanks: personal, in clear, and no relation."""
    model = declaration.model
    columns = {column.name: column for column in model._meta.concrete_fields}
    return tuple(
        name
        for name in declaration.fields_of(*SCRUBBED)
        if name not in declaration.clear
        and name in columns
        and columns[name].remote_field is None
        and not isinstance(columns[name], SealedTextField)
    )


class DeclaredRows:
    """The default source: rows of every declared model whose subject path ends at the person's model."""

    name = "tables"

    def keys(self, *, subject: models.Model) -> set[UUID]:
        found: set[UUID] = set()
        for declaration in _about(subject):
            if not _sealed_names(declaration):
                continue
            for row in _with_owner(declaration, rows_about(declaration, subject=subject)):
                found.add(cast(SealsUnderKey, row).sealing_key_id())
                found.update(_token_keys(row))
        return found

    def collect(self, *, subject: models.Model) -> Iterator[Held]:
        for declaration in _about(subject):
            # One list, not an iterator: all rows wait together, so their keys come in one query.
            for row in list(_with_owner(declaration, rows_about(declaration, subject=subject))):
                yield held(row=row, declaration=declaration)

    def erase(self, *, subject: models.Model, now: datetime.datetime) -> Erased:
        deleted: Counter[str] = Counter()
        blanked: dict[str, tuple[str, ...]] = {}
        about = list(_about(subject))
        for declaration in about:
            if declaration.on_erasure is OnErasure.DELETE:
                deleted.update(rows_about(declaration, subject=subject).delete()[1])
        for declaration in about:
            names = to_blank(declaration)
            scrub = declaration.on_erasure is OnErasure.SCRUB and bool(names)
            if scrub and _blank(declaration, names, subject=subject):
                blanked[declaration.label] = names
        return Erased(deleted=dict(deleted), blanked=blanked)


_sources: list[SubjectSource] = [DeclaredRows()]


def register(source: SubjectSource) -> None:
    """Add a place where personal data are. Raises ValueError when its name is taken."""
    if any(known.name == source.name for known in _sources):
        raise ValueError(f"a subject source named {source.name} is registered already")
    # Sources that find rows by what the tables hold come before the default, which blanks and deletes it.
    _sources.insert(0, source)


def sources() -> Sequence[SubjectSource]:
    """Every source; the default one last."""
    return tuple(_sources)


def collect(*, subject: models.Model) -> list[Held]:
    """Everything held about a person, from every source (GDPR Art. 15, 20)."""
    return [held for source in _sources for held in source.collect(subject=subject)]


def held(*, row: models.Model, declaration: Declaration) -> Held:
    """One row as it is told to whom it is about: opened, without credentials; None where the key was destroyed."""
    return Held(
        model=declaration.label,
        pk=str(row.pk),
        purpose=declaration.use.purpose if declaration.use else "",
        source=declaration.use.source if declaration.use else "",
        fields={
            name: (category, _plain(row, name))
            for name, category in declaration.categories.items()
            if category is not Category.CREDENTIAL
        },
    )


def _about(subject: models.Model) -> Iterator[Declaration]:
    person = subject._meta.concrete_model
    return (declaration for declaration in declarations().values() if subject_model(declaration) is person)


def _sealed_names(declaration: Declaration) -> list[str]:
    return [column.name for column in declaration.model._meta.concrete_fields if isinstance(column, SealedTextField)]


def _with_owner(declaration: Declaration, rows: models.QuerySet[models.Model]) -> models.QuerySet[models.Model]:
    """The person's row beside each row: `sealing_key_id()` asks it, and would otherwise ask the database each time."""
    if declaration.subject == SELF or not _sealed_names(declaration):
        return rows
    return rows.select_related(declaration.subject)


def _token_keys(row: models.Model) -> Iterator[UUID]:
    for value in vars(row).values():
        if isinstance(value, Cell) and value.token is not None:
            yield value.token.key_id


def _plain(row: models.Model, name: str) -> Any:
    column = row._meta.get_field(name)
    try:
        value = getattr(row, getattr(column, "attname", name))
    except KeyDestroyed:
        return None
    if value is None or isinstance(value, bool | int | str | list | dict):
        return value
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def _blank(declaration: Declaration, names: Sequence[str], *, subject: models.Model) -> int:
    """Blank fields row by row (unique ones need a value each), rows already blank left alone; returns rows changed."""
    changed = 0
    for row in rows_about(declaration, subject=subject).select_for_update(of=("self",)):
        columns = [cast("models.Field[Any, Any]", declaration.model._meta.get_field(name)) for name in names]
        values = {column.name: blank_value(column) for column in columns if not _is_blank(row, column)}
        if values:
            changed += declaration.model._base_manager.filter(pk=row.pk).update(**values)
    return changed


def _is_blank(row: models.Model, column: "models.Field[Any, Any]") -> bool:
    value = getattr(row, column.attname)
    return value in (None, "", [], {}, False) or (isinstance(value, str) and value.startswith(ERASED))
