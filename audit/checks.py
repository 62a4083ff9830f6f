"""System checks: every field classified, every model declared, every trigger in place.

Ids: E001 model not declared, E002 field not classified, E003 classified twice, E004 unknown field, E005 unknown column,
E006 broken subject path, E007 personal data without a complete use, E008 readable credential in evidence, E009 readable
text about a sealed person, E010 field that erasure cannot blank, E011 declaration of no model, E012 triggers not as
declared, E013 keys that a restore brought back.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from django.apps import AppConfig, apps
from django.contrib.postgres.fields import ArrayField
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import FieldDoesNotExist
from django.db import connections, models
from django.db.migrations.executor import MigrationExecutor

from audit import triggers
from audit.classification import SEALABLE, personal_fields
from audit.declare import Category, Declaration, OnErasure, declaration_of, declarations
from audit.keys import keyring
from audit.keys.backend import backend
from audit.sealed import SealedTextField
from audit.subjects import CannotBlank, blank_value, subject_model, to_blank

_MEANING: Final[Mapping[str, str]] = {
    "missing": "carries no evidence trigger",
    "disabled": "has its evidence trigger switched off",
    "altered": "has an evidence trigger that is not the declared one",
    "undeclared": "carries an evidence trigger that nothing declares",
    "function": "is an evidence function whose text or settings were changed",
}

_TEXT: Final = (
    models.CharField,
    models.TextField,
    models.DateField,
    models.JSONField,
    models.GenericIPAddressField,
)


@register("classification")
def classified(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E001 to E011 for every model of every installed app, many-to-many tables included."""
    wanted = None if app_configs is None else {config.label for config in app_configs}
    found = [model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy]
    messages: list[CheckMessage] = []
    for model in found:
        if wanted is None or model._meta.app_label in wanted:
            messages += problems(model=model, declaration=declaration_of(model))
    if wanted is None:
        messages += unknown_models(declared=declarations(), installed=found)
    return messages


@register(Tags.database)
def as_declared(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """E012 and E013, for `check --database default`; silent while migrations are still to be applied."""
    if "default" not in (databases or ()) or _migrations_pending():
        return []
    messages: list[CheckMessage] = [
        Error(f"{found.table} {_MEANING[found.what]}", id="horae.E012") for found in triggers.discrepancies()
    ]
    if keyring.any_live(key_ids=backend().destroyed()):
        messages.append(
            Error(
                "the key database holds keys of erased persons again",
                hint="A backup was restored: run `manage.py erasure_replay`. Until then these keys stay closed.",
                id="horae.E013",
            )
        )
    return messages


def unknown_models(
    *, declared: Mapping[str, Declaration], installed: Iterable[type[models.Model]]
) -> Iterator[CheckMessage]:
    """E011: declarations whose model is not installed."""
    known = {model._meta.label_lower for model in installed}
    for label, declaration in declared.items():
        if label not in known:
            yield Error(f"{declaration.label} is declared and is no installed model", id="horae.E011")


def problems(*, model: type[models.Model], declaration: Declaration | None) -> Iterator[CheckMessage]:
    """Everything wrong with one model's declaration."""
    if declaration is None:
        yield Error(
            f"{model._meta.label} is neither audited nor exempt",
            hint="Decorate it with @audited or @exempt (audit/declare.py), or declare it in config/declarations.py.",
            obj=model,
            id="horae.E001",
        )
        return
    yield from _fields(model, declaration)
    yield from _columns(model, declaration)
    yield from _use(model, declaration)
    try:
        owner = subject_model(declaration)
    except FieldDoesNotExist as error:
        yield Error(f"{declaration.label}: subject path {declaration.subject!r}: {error}", obj=model, id="horae.E006")
        return
    yield from _readable(model, declaration, owner=owner)
    yield from _erasure(model, declaration, owner=owner)


def _fields(model: type[models.Model], declaration: Declaration) -> Iterator[CheckMessage]:
    names = {column.name for column in model._meta.local_concrete_fields}
    for name in sorted(names - declaration.categories.keys()):
        yield Error(
            f"{declaration.label}.{name} is not classified",
            hint="Say what it holds: " + ", ".join(Category) + ".",
            obj=model,
            id="horae.E002",
        )
    for name in sorted(declaration.repeated):
        yield Error(f"{declaration.label}.{name} is classified more than once", obj=model, id="horae.E003")
    unknown = declaration.categories.keys() - names
    unknown |= {name for name in declaration.clear if declaration.categories.get(name) not in SEALABLE}
    for name in sorted(unknown):
        yield Error(
            f"{declaration.label} classifies {name}, which it has no such field for", obj=model, id="horae.E004"
        )


def _columns(model: type[models.Model], declaration: Declaration) -> Iterator[CheckMessage]:
    columns = {column.column for column in model._meta.local_concrete_fields}
    named = [declaration.chain_column or "", declaration.appointment_column, *declaration.digest]
    for name in named:
        if name and name not in columns:
            yield Error(
                f"{declaration.label} names {name}, which is no column of its table", obj=model, id="horae.E005"
            )


def _use(model: type[models.Model], declaration: Declaration) -> Iterator[CheckMessage]:
    if not any(personal_fields(declaration)):
        return
    use = declaration.use
    if use is None:
        missing = "use"
    else:
        wanted = ("activity", "purpose", "basis", "duration", "source", "subjects")
        missing = ", ".join(name for name in wanted if not getattr(use, name))
    if missing:
        yield Error(
            f"{declaration.label} holds personal data and its use does not say: {missing}", obj=model, id="horae.E007"
        )


def _readable(
    model: type[models.Model], declaration: Declaration, *, owner: type[models.Model] | None
) -> Iterator[CheckMessage]:
    by_name = {column.name: column for column in model._meta.local_concrete_fields}
    if declaration.audited:
        for name in declaration.fields_of(Category.CREDENTIAL):
            column = by_name.get(name)
            if column is None or isinstance(column, SealedTextField) or column.column in declaration.digest:
                continue
            yield Error(
                f"{declaration.label}.{name} is a credential and would stand in the evidence: digest or seal it",
                obj=model,
                id="horae.E008",
            )
    if not _seals(model) and (owner is None or not _seals(owner)):
        return
    for name in declaration.fields_of(*SEALABLE):
        column = by_name.get(name)
        if column is None or name in declaration.clear or isinstance(column, SealedTextField) or not _textual(column):
            continue
        yield Error(
            f"{declaration.label}.{name} holds readable text about a person whose data are sealed",
            hint="Use SealedTextField, or say in clear={...} why it may stay readable after erasure.",
            obj=model,
            id="horae.E009",
        )


def _erasure(
    model: type[models.Model], declaration: Declaration, *, owner: type[models.Model] | None
) -> Iterator[CheckMessage]:
    if owner is None or declaration.on_erasure is not OnErasure.SCRUB:
        return
    by_name = {column.name: column for column in model._meta.local_concrete_fields}
    for name in to_blank(declaration):
        column = by_name.get(name)
        try:
            if column is not None:
                blank_value(column)
        except CannotBlank as error:
            yield Error(f"{declaration.label}.{name} cannot be erased: {error}", obj=model, id="horae.E010")


def _seals(model: type[models.Model]) -> bool:
    return any(isinstance(column, SealedTextField) for column in model._meta.concrete_fields)


def _textual(column: models.Field[Any, Any]) -> bool:
    if isinstance(column, ArrayField):
        return _textual(column.base_field)
    return column.remote_field is None and isinstance(column, _TEXT)


def _migrations_pending() -> bool:
    executor = MigrationExecutor(connections["default"])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
