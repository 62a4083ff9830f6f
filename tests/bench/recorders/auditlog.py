"""django-auditlog: an entry from Django's signals, with the fields that differ."""

from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, Final

from django.db.models import Model

from tests.bench.recorders.user import somebody

INSTALLED: Final = ("auditlog",)
LOG: Final = ("auditlog_logentry",)
OPERATIONS: Final = {0: "I", 1: "U", 2: "D"}


def record(entry: type[Model], tag: type[Model], remark: type[Model]) -> None:
    """Register the models, the tags of an entry as its documentation says."""
    registry: Any = import_module("auditlog.registry")
    registry.auditlog.register(entry, m2m_fields={"tags"})
    registry.auditlog.register(tag)
    registry.auditlog.register(remark)


def install() -> None:
    """Its migrations are enough."""


def recorded() -> list[str]:
    """Its entries; one for each call that changes tags."""
    rows = _entries().filter(content_type__app_label="recorders").order_by("id")
    return [f"{OPERATIONS[action]} {model}" for action, model in rows.values_list("action", "content_type__model")]


def forget() -> None:
    """Take its entries away."""
    _entries()._raw_delete("default")


def acting() -> AbstractContextManager[object]:
    """As its middleware does."""
    context: Any = import_module("auditlog.context")
    setter: AbstractContextManager[object] = context.set_actor(somebody(), remote_addr="192.0.2.7")
    return setter


def _entries() -> Any:
    module: Any = import_module("auditlog")
    return module.get_logentry_model()._default_manager.all()
