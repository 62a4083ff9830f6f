"""Keeps key rows in the key database, and everything else out of it."""

from typing import Any, Final

from django.conf import settings
from django.db import models

KEY_MODELS: Final = frozenset({"clinickey", "sourcekey", "subjectkey"})


class KeysRouter:
    """Database router for `KEYS_DATABASE_URL`: the models of `audit.models.keys` live there, alone."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str | None:
        return settings.KEYS_DATABASE if _holds_keys(model._meta.app_label, model._meta.model_name) else None

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str | None:
        return self.db_for_read(model)

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        if settings.KEYS_DATABASE == "default":
            return None
        if _holds_keys(app_label, model_name):
            return bool(db == settings.KEYS_DATABASE)
        # An operation without a model (raw SQL, triggers) is about the other tables.
        return False if db == settings.KEYS_DATABASE else None


def _holds_keys(app_label: str, model_name: str | None) -> bool:
    return app_label == "audit" and model_name in KEY_MODELS
