"""django-pghistory: row triggers that copy the row, and a context that rides on the write."""

from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, Final

from django.apps import apps
from django.core.management import call_command
from django.db.models import Model

INSTALLED: Final = ("pgtrigger", "pghistory")
LOG: Final = (
    *("recorders_entryevent", "recorders_tagevent", "recorders_remarkevent", "recorders_entrytagsevent"),
    "pghistory_context",
)
OPERATIONS: Final = {"insert": "I", "update": "U", "delete": "D"}
EVENTS: Final = {"entryevent": "entry", "tagevent": "tag", "remarkevent": "remark", "entrytagsevent": "entry_tags"}


def record(entry: Any, tag: type[Model], remark: type[Model]) -> None:
    """Track every change of the models, and of the table between an entry and its tags."""
    history: Any = import_module("pghistory")
    models = {entry: "EntryEvent", tag: "TagEvent", remark: "RemarkEvent", entry.tags.through: "EntryTagsEvent"}
    for model, name in models.items():
        history.track(history.InsertEvent(), history.UpdateEvent(), history.DeleteEvent(), model_name=name)(model)


def install() -> None:
    """Put the triggers on, as migrations of these models would."""
    call_command("pgtrigger", "install", verbosity=0)


def recorded() -> list[str]:
    """Its events."""
    return [
        f"{OPERATIONS[label]} {name}"
        for model, name in EVENTS.items()
        for label in _events(model).order_by("pgh_id").values_list("pgh_label", flat=True)
    ]


def forget() -> None:
    """Take its events away."""
    for model in EVENTS:
        _events(model)._raw_delete("default")
    _all(import_module("pghistory.models").Context)._raw_delete("default")


def acting() -> AbstractContextManager[object]:
    """As its middleware does."""
    context: AbstractContextManager[object] = import_module("pghistory").context(user=1, url="/admin/desk/")
    return context


def _events(model: str) -> Any:
    return _all(apps.get_model("recorders", model))


def _all(model: Any) -> Any:
    return model._default_manager.all()
