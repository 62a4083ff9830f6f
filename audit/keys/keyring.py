"""Keys of people and clinics: made, opened, destroyed.

A person's key is wrapped by the clinic's key, which is wrapped by the backend behind `KEYS_URL`. Clinic keys stay
opened in memory for minutes; a person's key is fetched for each load and kept nowhere, so a destroyed key opens
nothing, in any process, from the moment the row is committed. What was listed as destroyed stays closed even when a
restored database brings its row back.
"""

import uuid
from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from audit.keys import tokens
from audit.keys.backend import backend
from audit.keys.memory import OpenedKeys
from audit.keys.secret import NotAuthentic, SecretKey
from audit.models.keys import ClinicKey, SubjectKey

PLATFORM_CLINIC: Final = 0
"""Stands for "no clinic": the key of what belongs to the whole installation."""

opened: Final = OpenedKeys()


class KeyDestroyed(Exception):
    """The person's data were erased: the key that would open them no longer exists."""

    silent_variable_failure = True  # a page about an erased person shows nothing in that place, not an error

    def __init__(self, key_id: UUID) -> None:
        super().__init__(f"key {key_id} was destroyed by an erasure")
        self.key_id = key_id


class KeyMissing(Exception):
    """The key database does not know a key that a row names: it is not the one that belongs to this database."""

    def __init__(self, key_id: UUID) -> None:
        super().__init__(f"key {key_id} is not in the key database: restore both databases from one moment")
        self.key_id = key_id


def create_subject_key(*, clinic_id: int) -> UUID:
    """A new person's key under the clinic's key; returns its id."""
    clinic = _clinic_row(clinic_id)
    key_id = uuid.uuid4()
    wrapped = _open_clinic(clinic).wrap(SecretKey.generate(), context=_person(key_id))
    _subjects().create(id=key_id, clinic_key=clinic, wrapped=wrapped)
    return key_id


def open_subject_keys(*, key_ids: Iterable[UUID]) -> dict[UUID, SecretKey | None]:
    """Keys by id, in one query; None for a destroyed one, and no entry for one the key database does not know."""
    rows = _subjects().filter(id__in=set(key_ids)).select_related("clinic_key")
    destroyed = backend().destroyed()
    return {row.id: None if row.id in destroyed else _open_subject(row) for row in rows}


def open_subject_key(*, key_id: UUID) -> SecretKey:
    """One person's key. Raises KeyDestroyed, KeyMissing."""
    return live(open_subject_keys(key_ids=[key_id]), key_id=key_id)


def live(found: Mapping[UUID, SecretKey | None], *, key_id: UUID) -> SecretKey:
    """The key out of what `open_subject_keys` gave. Raises KeyDestroyed, KeyMissing."""
    if key_id not in found:
        raise KeyMissing(key_id)
    key = found[key_id]
    if key is None:
        raise KeyDestroyed(key_id)
    return key


def destroy_subject_keys(*, key_ids: Iterable[UUID]) -> int:
    """Destroy keys; returns how many were still there. What they sealed is unreadable once this is committed."""
    return _subjects().filter(id__in=set(key_ids), destroyed_at=None).update(wrapped=None, destroyed_at=Now())


def is_destroyed(*, key_id: UUID) -> bool:
    """Whether a key was destroyed, or listed as destroyed. An unknown key was not."""
    return key_id in backend().destroyed() or _subjects().filter(id=key_id, destroyed_at__isnull=False).exists()


def any_live(*, key_ids: Iterable[UUID]) -> bool:
    """Whether the key database still holds one of these keys (a restore can bring destroyed ones back)."""
    return _subjects().filter(id__in=set(key_ids), destroyed_at=None).exists()


def clinic_secret(*, clinic_id: int, purpose: str) -> bytes:
    """32 bytes that only this clinic's key gives, one value per purpose (HKDF-SHA256, RFC 5869)."""
    key = _open_clinic(_clinic_row(clinic_id))
    return key.derive(info=b"horae/1|secret|" + str(clinic_id).encode() + b"|" + purpose.encode())


def seal(*, key_id: UUID, field: str, value: str) -> tokens.SealedToken:
    """Seal one value under a person's key. Raises KeyDestroyed, KeyMissing."""
    return tokens.seal(key=open_subject_key(key_id=key_id), key_id=key_id, field=field, value=value)


def unseal(*, token: str, field: str) -> str:
    """Open one sealed value of `field` (`app.Model.field`). Raises KeyDestroyed, KeyMissing, SealBroken."""
    key = open_subject_key(key_id=tokens.SealedToken(token).key_id)
    return tokens.unseal(key=key, token=token, field=field).value


def seal_platform_text(*, purpose: str, text: str) -> str:
    """Seal a secret of the installation itself (a second factor's seed), which no erasure of a patient concerns."""
    return tokens.seal(key=_platform_key(purpose), key_id=UUID(int=0), field=purpose, value=text)


def unseal_platform_text(*, purpose: str, token: str) -> str:
    """What `seal_platform_text` took. Raises SealBroken."""
    return tokens.unseal(key=_platform_key(purpose), token=token, field=purpose).value


def _platform_key(purpose: str) -> SecretKey:
    return SecretKey(clinic_secret(clinic_id=PLATFORM_CLINIC, purpose=purpose))


def _subjects() -> models.QuerySet[SubjectKey]:
    return SubjectKey._default_manager.using(settings.KEYS_DATABASE)


def _clinic_row(clinic_id: int) -> ClinicKey:
    clinics = ClinicKey._default_manager.using(settings.KEYS_DATABASE)
    row = clinics.filter(clinic_id=clinic_id).first()
    if row is not None:
        return row
    store = backend()
    root = store.current_root()
    wrapped = store.wrap(key_id=root, data=SecretKey.generate().reveal(), context=_clinic(clinic_id))
    # Two processes may meet here: the unique clinic_id keeps one row, and both go on with that one.
    return clinics.get_or_create(clinic_id=clinic_id, defaults={"root": root, "wrapped": wrapped})[0]


def _open_clinic(row: ClinicKey) -> SecretKey:
    wrapped = bytes(row.wrapped)

    def from_backend() -> SecretKey:
        return SecretKey(backend().unwrap(key_id=row.root, data=wrapped, context=_clinic(row.clinic_id)))

    return opened.get(wrapped, from_backend)


def _open_subject(row: SubjectKey) -> SecretKey | None:
    if row.wrapped is None:
        return None
    try:
        return _open_clinic(row.clinic_key).unwrap(bytes(row.wrapped), context=_person(row.id))
    except NotAuthentic as error:
        raise tokens.SealBroken(
            f"key {row.id} does not open under the key of its clinic: its row was changed"
        ) from error


def _person(key_id: UUID) -> bytes:
    return b"horae/1|subject|" + key_id.hex.encode()


def _clinic(clinic_id: int) -> dict[str, str]:
    return {"purpose": "clinic", "clinic": str(clinic_id)}
