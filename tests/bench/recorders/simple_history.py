"""django-simple-history: a whole copy of the row from Django's signals."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Any, Final

from django.apps import apps
from django.db.models import Model

from tests.bench.recorders.user import somebody

INSTALLED: Final = ("simple_history",)
LOG: Final = ("recorders_historicalentry", "recorders_historicaltag", "recorders_historicalremark")
OPERATIONS: Final = {"+": "I", "~": "U", "-": "D"}


def record(entry: type[Model], tag: type[Model], remark: type[Model]) -> None:
    """Register the models, the tags of an entry as its documentation says."""
    register: Any = import_module("simple_history").register
    register(entry, m2m_fields=["tags"])
    register(tag)
    register(remark)


def install() -> None:
    """Its tables are enough."""


def recorded() -> list[str]:
    """Its copies; one for each call that changes tags."""
    return [
        f"{OPERATIONS[kind]} {name}"
        for name in ("entry", "tag", "remark")
        for kind in _copies(name).order_by("history_id").values_list("history_type", flat=True)
    ]


def forget() -> None:
    """Take its copies away."""
    for name in ("entry", "tag", "remark"):
        _copies(name).delete()


@contextmanager
def acting() -> Iterator[None]:
    """As its middleware does."""
    records: Any = import_module("simple_history.models").HistoricalRecords
    records.context.request = SimpleNamespace(user=somebody())
    try:
        yield
    finally:
        del records.context.request


def _copies(name: str) -> Any:
    return apps.get_model("recorders", f"historical{name}")._default_manager.all()
