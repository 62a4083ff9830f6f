"""A text field whose column holds ciphertext, under a key of the person it is about.

Reading gives the text, assigning seals it at save, and an unchanged text keeps its ciphertext. Keys are fetched when
the first value is read, for every row that waits in this thread, in one query: a list of 200 patients costs two. A
sealed column cannot be searched: look people up by `audit.blind` tokens.
"""

from collections.abc import Callable, Collection
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Protocol, cast
from uuid import UUID

from django import forms
from django.core import checks
from django.core.exceptions import FieldError
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import Exact, IsNull
from django.db.models.signals import post_save, pre_save

from audit.cell import Cell
from audit.keys import keyring
from audit.keys.keyring import KeyDestroyed, KeyMissing
from audit.keys.tokens import PATTERN, SealBroken, SealedToken, looks_sealed, seal

if TYPE_CHECKING:
    TextField = models.TextField[str, str]
else:
    TextField = models.TextField

__all__ = [
    "KeyDestroyed",
    "KeyMissing",
    "SealBroken",
    "SealedLookup",
    "SealedTextField",
    "SealedToken",
]

LINE: Final = 255
"""A longer text is edited in a text area."""

RAW: Final = "_saved_as_stored"
"""Set on an instance while a deserialiser saves it."""

_as_stored: ContextVar[bool] = ContextVar("as_stored", default=False)


class SealedLookup(FieldError):
    """A sealed column was searched, compared, or written around the model: plain text never reaches the database."""


class SealsUnderKey(Protocol):
    """What a model with sealed fields offers."""

    def sealing_key_id(self) -> UUID:
        """The key of the person the row is about: a column of its own, or of a row loaded with it."""


class SealedValue:
    """Attribute of a sealed field on instances."""

    def __init__(self, field: "SealedTextField") -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type[models.Model]) -> Any:
        if instance is None:
            return self
        values = instance.__dict__
        name = self.field.attname
        if name not in values:
            instance.refresh_from_db(fields=[name])
        value = values[name]
        if not isinstance(value, Cell):
            return value
        if _as_stored.get() or instance.__dict__.get(RAW):
            return value.text if value.token is None else value.token
        if value.token is not None and value.text is None:
            self.field.refuse_foreign_key(instance, value.token)
        return value.read(field=self.field.sealed_as)

    def __set__(self, instance: models.Model, value: object) -> None:
        values = instance.__dict__
        name = self.field.attname
        if value is None or value == "":
            values[name] = value
        elif isinstance(value, SealedToken):
            values[name] = Cell(token=value)
        elif hasattr(value, "resolve_expression"):
            raise SealedLookup(f"{self.field.sealed_as} is sealed: the database cannot compute it")
        elif isinstance(value, str):
            before = values.get(name)
            if not (isinstance(before, Cell) and before.text == value):
                values[name] = Cell(text=str(value), before=before if isinstance(before, Cell) else None)
        else:
            raise TypeError(f"{self.field.sealed_as} holds text, not {type(value).__name__}")


class EmptyOnly(Exact):
    """`field=""`: the one comparison a sealed column allows, since an empty text is stored empty."""

    def get_prep_lookup(self) -> Any:
        if self.rhs != "":
            raise SealedLookup("a sealed field is compared with the empty text only: look people up by their index")
        return self.rhs


class SealedTextField(TextField):
    """Text sealed under `instance.sealing_key_id()`; an empty text stays empty and is not sealed.

    `max_length` counts characters of the plain text. The column is `text`, and a CHECK keeps anything that is neither
    empty nor a token out of it. A model whose persons were merged may add `former_sealing_key_ids()`: keys its rows
    were sealed under before. Renaming model or field needs its values sealed again: the name is part of what is
    authenticated.
    """

    descriptor_class = SealedValue
    default_validators = [*models.TextField.default_validators, ProhibitNullCharactersValidator()]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.max_length is not None:
            self.validators.append(MaxLengthValidator(self.max_length))

    @property
    def sealed_as(self) -> str:
        """`app.Model.field`, which every token is bound to."""
        return f"{self.model._meta.label}.{self.name}"

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        if not cls._meta.abstract:
            _refresh_as_stored(cls)
            pre_save.connect(_begin_raw, sender=cls)
            post_save.connect(_end_raw, sender=cls)

    def db_check(self, connection: BaseDatabaseWrapper) -> str:
        column = connection.ops.quote_name(self.column or self.name)
        return f"{column} = '' OR {column} ~ '{PATTERN}'"

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        found = super().check(**kwargs)
        if self.unique or self.primary_key or getattr(self, "db_index", False):
            found.append(checks.Error("a sealed field cannot be unique or indexed", obj=self, id="horae.E021"))
        if not hasattr(self.model, "sealing_key_id"):
            found.append(checks.Error("a model with sealed fields needs sealing_key_id()", obj=self, id="horae.E022"))
        if self.has_default() and self.get_default() != "":
            found.append(checks.Error("a sealed field has no default but the empty text", obj=self, id="horae.E023"))
        return found

    def get_lookup(self, lookup_name: str) -> Any:
        allowed = {"exact": EmptyOnly, "isnull": IsNull}
        if lookup_name not in allowed:
            raise SealedLookup(f"{self.sealed_as} is sealed and knows no lookup {lookup_name!r}")
        return allowed[lookup_name]

    def get_transform(self, lookup_name: str) -> Any:
        raise SealedLookup(f"{self.sealed_as} is sealed and knows no transform {lookup_name!r}")

    def get_placeholder(self, value: object, compiler: object, connection: BaseDatabaseWrapper) -> str:
        if hasattr(value, "resolve_expression"):
            raise SealedLookup(f"{self.sealed_as} is sealed: save the instances one by one")
        return "%s"

    def get_prep_value(self, value: Any) -> Any:
        if value is None or value == "":
            return value
        if isinstance(value, SealedToken) and looks_sealed(value):
            return str(value)
        raise SealedLookup(
            f"{self.sealed_as} is sealed: its plain text cannot be searched for, nor written but by save()"
        )

    def from_db_value(self, value: str | None, expression: object, connection: BaseDatabaseWrapper) -> str | None:
        return SealedToken(value) if value else value

    def to_python(self, value: Any) -> Any:
        """For deserialisers, which carry ciphertext; a form's text never passes here (see `clean`)."""
        if isinstance(value, str) and looks_sealed(value):
            return SealedToken(value)
        return value

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        text = "" if value is None and not self.null else value
        self.validate(text, model_instance)
        self.run_validators(text)
        return text

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = model_instance.__dict__.get(self.attname, "")
        if not isinstance(value, Cell):
            return value
        if value.token is None:
            value = self._seal(model_instance, value)
            model_instance.__dict__[self.attname] = value
        return value.token

    def value_from_object(self, obj: models.Model) -> Any:
        try:
            return getattr(obj, self.attname)
        except KeyDestroyed:
            return ""

    def value_to_string(self, obj: models.Model) -> str:
        value = obj.__dict__.get(self.attname)
        if isinstance(value, Cell):
            if value.token is None:
                raise SealedLookup(f"{self.sealed_as} is serialised sealed only: save the instance first")
            return str(value.token)
        return value or ""

    def formfield(self, **kwargs: Any) -> Any:
        if self.max_length is not None and self.max_length <= LINE:
            kwargs.setdefault("widget", forms.TextInput)
        return super().formfield(**kwargs)

    def refuse_foreign_key(self, instance: models.Model, token: SealedToken) -> None:
        """Raise SealBroken when a token was sealed under a key that is not this row's: it came from another row."""
        owner = cast(SealsUnderKey, instance)
        if token.key_id == owner.sealing_key_id():
            return
        former: Callable[[], Collection[UUID]] | None = getattr(instance, "former_sealing_key_ids", None)
        if former is None or token.key_id not in former():
            raise SealBroken(f"a value of {self.sealed_as} belongs to another person")

    def _seal(self, instance: models.Model, cell: Cell) -> Cell:
        text = cell.text or ""
        if self.max_length is not None and len(text) > self.max_length:
            raise ValueError(f"{self.sealed_as} takes at most {self.max_length} characters")
        key_id = cast(SealsUnderKey, instance).sealing_key_id()
        if cell.before is not None and cell.before.token is not None:
            self.refuse_foreign_key(instance, cell.before.token)
            if cell.before.read(field=self.sealed_as) == text:
                return cell.before
        held = (value.key_if_held(key_id) for value in instance.__dict__.values() if isinstance(value, Cell))
        key = next((key for key in held if key is not None), None) or keyring.open_subject_key(key_id=key_id)
        token = seal(key=key, key_id=key_id, field=self.sealed_as, value=text)
        return Cell.sealed(token=token, text=text, key=key)


def _refresh_as_stored(cls: type[models.Model]) -> None:
    """Make `refresh_from_db` hand over ciphertext: read as text, every value would be sealed anew by the next save."""
    original = cls.refresh_from_db
    if hasattr(original, "hands_over_ciphertext"):
        return

    @wraps(original)
    def refresh_from_db(self: models.Model, *args: Any, **kwargs: Any) -> None:
        before = _as_stored.set(True)
        try:
            original(self, *args, **kwargs)
        finally:
            _as_stored.reset(before)

    setattr(refresh_from_db, "hands_over_ciphertext", True)  # noqa: B010  mypy knows no attribute of a function
    setattr(cls, "refresh_from_db", refresh_from_db)  # noqa: B010  nor an assignment to a method


def _begin_raw(sender: type[models.Model], instance: models.Model, raw: bool, **kwargs: Any) -> None:
    if raw:
        instance.__dict__[RAW] = True


def _end_raw(sender: type[models.Model], instance: models.Model, raw: bool, **kwargs: Any) -> None:
    instance.__dict__.pop(RAW, None)
