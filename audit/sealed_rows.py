"""Many sealed values at once: rows read one by one, and values read without their model."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Self, TypeVar
from uuid import UUID

from django.db import models

from audit.keys import keyring
from audit.keys.keyring import KeyDestroyed
from audit.keys.secret import SecretKey
from audit.keys.tokens import SealedToken, unseal
from audit.sealed import SealedLookup, SealedTextField

M = TypeVar("M", bound=models.Model)
M_co = TypeVar("M_co", bound=models.Model, covariant=True)

CHUNK: Final = 500
"""Rows whose keys are fetched together when a query is read row by row."""


class SealedQuerySet(models.QuerySet[M_co]):
    """For models with sealed fields: `iterator()` fetches keys by chunk, and ordering by ciphertext is refused."""

    def iterator(self, chunk_size: int | None = None) -> Iterator[M_co]:
        return preloaded(super().iterator(chunk_size), chunk_size=chunk_size or CHUNK)

    def order_by(self, *field_names: Any) -> Self:
        for name in field_names:
            plain = name.lstrip("-") if isinstance(name, str) else ""
            if any(field.name == plain and isinstance(field, SealedTextField) for field in self.model._meta.fields):
                raise SealedLookup(f"{self.model._meta.label}.{plain} is sealed: sort the found rows in memory")
        return super().order_by(*field_names)


def preloaded(instances: Iterable[M], *, chunk_size: int = CHUNK) -> Iterator[M]:
    """The same instances, held `chunk_size` at a time, so that reading one value fetches the keys of a whole chunk."""
    waiting = iter(instances)
    while chunk := list(islice(waiting, chunk_size)):
        yield from chunk


def reveal(*, field: str, tokens: Sequence[str]) -> list[str]:
    """The texts of tokens read with `values()`, in order, by one query; empty where the key was destroyed.

    `field` is `app.Model.field`. Raises SealBroken when a token was sealed for another field.
    """
    sealed = [SealedToken(token) for token in tokens]
    keys = keyring.open_subject_keys(key_ids={token.key_id for token in sealed if token})
    return [_text(token, keys=keys, field=field) for token in sealed]


def _text(token: SealedToken, *, keys: Mapping[UUID, SecretKey | None], field: str) -> str:
    try:
        return unseal(key=keyring.live(keys, key_id=token.key_id), token=token, field=field).value if token else ""
    except KeyDestroyed:
        return ""
