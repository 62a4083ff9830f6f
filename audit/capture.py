"""The signal layer: which creates and deletes are coming, and a meaning for saves made outside any use case.

It diffs nothing and writes nothing; it tells the connection's carrier, which lets it ride on the statement itself.
Handlers are connected once, at start-up. Deletes are listened to model by model: a listener for every sender would
take Django's fast delete away from tables that are no evidence.
"""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save

from audit.carrier import Carrier, carrier_of
from audit.context import Context, current
from audit.triggers import audited_tables

Handler = Callable[..., None]


def connect() -> None:
    """Listen to every audited model and put carriers on their connections. Called once the models are ready."""
    connection_created.connect(_connected, dispatch_uid="audit.carrier")
    audited = audited_tables()
    for model in apps.get_models(include_auto_created=True):
        if model._meta.db_table not in audited:
            continue
        _listen(m2m_changed, _relation_changes, model)
        if model._meta.auto_created:
            continue
        _listen(pre_save, _save_begins, model)
        _listen(post_save, _save_ends, model)
        _listen(pre_delete, _delete_begins, model)
        _listen(post_delete, _delete_ends, model)


def _listen(signal: Any, handler: Handler, sender: type[models.Model]) -> None:
    signal.connect(handler, sender=sender, weak=False, dispatch_uid=f"audit.{handler.__name__}.{sender._meta.label}")


def _connected(*, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if connection.vendor == "postgresql" and (not apps.ready or connection.alias in _aliases()):
        carrier_of(connection).begin_again()


def _aliases() -> set[str]:
    return {router.db_for_write(declaration.model) for declaration in audited_tables().values()}


def _save_begins(*, sender: type[models.Model], instance: models.Model, using: str, raw: bool, **kwargs: Any) -> None:
    tables = [parent._meta.db_table for parent in (sender, *sender._meta.all_parents)]
    audited = audited_tables()
    adding = instance._state.adding
    _carrier(using).expected.save_begins(
        instance,
        context=_implied("orm.load" if raw else "orm.save"),
        inserts={table: adding for table in tables if table in audited},
    )


def _save_ends(*, instance: models.Model, using: str, **kwargs: Any) -> None:
    _carrier(using).expected.save_ends(instance)


def _delete_begins(*, sender: type[models.Model], instance: models.Model, using: str, **kwargs: Any) -> None:
    _carrier(using).delete_begins(sender._meta.db_table, context=_implied("orm.delete"))


def _delete_ends(*, sender: type[models.Model], using: str, **kwargs: Any) -> None:
    _carrier(using).delete_ends(sender._meta.db_table)


def _relation_changes(
    *, sender: type[models.Model], instance: models.Model, action: str, using: str, **kwargs: Any
) -> None:
    # How many rows an add or a clear touches is not known beforehand, so nothing is expected of it.
    expected = _carrier(using).expected
    if action.startswith("pre_"):
        expected.save_begins(instance, context=_implied("orm.relate"), inserts={sender._meta.db_table: False})
    else:
        expected.save_ends(instance)


def _implied(case: str) -> Context | None:
    """A use for this one call, when nothing else gives it a meaning."""
    context = current()
    return None if context.use_id else context.in_use(case)


def _carrier(using: str) -> Carrier:
    return carrier_of(connections[using])
