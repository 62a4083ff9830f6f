"""What is held about a patient, as the patient reads it on a page (Art. 15(1) GDPR): by purpose, in their language,
without technical numbers.

It is made of `audit.subjects.collect` and the declarations, so that what is held and what is told cannot differ.

An account that only acts for somebody is shown nothing of this: the data are the patient's, and hold what the patient
may keep from whoever acts for them. They see what they booked on the pages of appointments, and may ask for the
patient.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from audit.declare import Category, Declaration, declarations
from audit.sealed import KeyDestroyed, SealedTextField
from audit.subjects import Held, collect
from bookings import approval, moments
from bookings.declared import told
from bookings.models import Appointment, Clinic, HealthcareService, Need, Patient, RelatedPerson
from bookings.offers import name_of
from bookings.walls import zone_of

#: A guess of the clinic's that somebody else may be meant: naming that person would tell one patient of another
#: (Art. 15(4) GDPR).
_OF_OTHERS: Final = frozenset({"bookings.PossibleDuplicate"})
#: Derived from what stands beside it, and unreadable to people: in the copy only.
_DERIVED: Final = frozenset({"bookings.PatientIndex"})
#: Fields that are technical, and tell a reader something all the same.
_TOLD: Final = frozenset(
    (
        "answered_at appointment asked_by booked_online channel code contact_person created extended_at due_at"
        " given_at given_by handed_over_at invited_at kind language notice practitioner received_at related_person"
        " shown_at source state system text valid_until withdrawn_at"
    ).split()
)
#: What a row of each kind is called by; where it ends with a moment, the newest comes first.
_CALLED: Final[Mapping[str, tuple[str, ...]]] = {
    "bookings.Patient": ("given_name", "family_name"),
    "bookings.PatientIdentifier": ("value",),
    "bookings.PatientAccount": ("contact",),
    "bookings.RelatedPerson": ("name",),
    "bookings.Appointment": ("service", "start"),
    "bookings.Participant": ("role", "name"),
    "bookings.Answer": ("asked",),
    "bookings.NoticeShown": ("notice", "shown_at"),
    "bookings.Consent": ("purpose", "given_at"),
    "bookings.DataRequest": ("kind", "received_at"),
    "notifications.Message": ("kind", "planned_for"),
}
_NEEDS: Final = dict(Need.choices)
#: Words of the desk's lists, which the rows hold as codes.
CODED: Final[Mapping[str, Mapping[str, Any]]] = {
    "cancellation_reason": {
        "patient-asked": _("The patient asked for it"),
        "practitioner-away": _("The practitioner is away"),
        "clinic-closed": _("The clinic is closed"),
        "moved": _("It is booked anew at another time"),
        "other": _("Something else"),
        approval.DECLINED: _("The request was declined"),
        approval.REQUEST_LAPSED: _("Nobody answered the request in time"),
        approval.OFFER_LAPSED: _("The offer was not answered in time"),
    },
    "overbook_reason": {
        "urgent": _("It is urgent"),
        "practitioner-asked": _("The practitioner asked for it"),
        "patient-waits": _("The patient is here and waits"),
        "other": _("Something else"),
    },
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is held. `gone` when its key was destroyed: then `value` says so."""

    label: str
    value: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: what it is called by (empty where nothing of that is readable), and the lines beside that."""

    title: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Kind:
    """Everything of one kind (appointments, messages)."""

    name: str
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Purpose:
    """What is held for one purpose, and what the law wants said about it."""

    activity: str
    purpose: str
    basis: str
    source: str
    kept: str
    recipients: tuple[str, ...]
    kinds: Sequence[Kind]


def readable(*, patient: Patient) -> list[Purpose]:
    """What is held about a patient, by purpose, in the language now active."""
    zone = zone_of(clinic_id=patient.clinic_id)
    found = [
        (declaration, rows)
        for declaration, rows in by_declaration(collect(subject=patient))
        if declaration.label not in _DERIVED
    ]
    names = _names(found, zone=zone)
    by_use: dict[str, list[tuple[Declaration, Kind]]] = defaultdict(list)
    for declaration, rows in found:
        entries = [_entry(declaration, row, names=names, zone=zone) for row in _in_order(declaration, rows)]
        entries = [entry for entry in entries if entry.title or entry.lines]
        if declaration.use is not None and entries:
            meta = declaration.model._meta
            name = meta.verbose_name_plural if len(entries) > 1 else meta.verbose_name
            by_use[declaration.use.activity].append((declaration, Kind(name=capfirst(str(name)), entries=entries)))
    return [_purpose(kinds[0][0], [kind for _declaration, kind in kinds]) for kinds in by_use.values()]


def by_declaration(rows: Iterable[Held]) -> list[tuple[Declaration, list[Held]]]:
    """Rows under what declares them, in the order of the declarations."""
    by_label: dict[str, list[Held]] = defaultdict(list)
    for row in rows:
        by_label[row.model.lower()].append(row)
    known = ((declaration, by_label.get(label, [])) for label, declaration in declarations().items())
    return [
        (declaration, found)
        for declaration, found in known
        if found and declaration.use is not None and declaration.label not in _OF_OTHERS
    ]


def _purpose(declaration: Declaration, kinds: Sequence[Kind]) -> Purpose:
    use = declaration.use
    assert use is not None
    return Purpose(
        activity=told(use.activity),
        purpose=told(use.purpose),
        basis=use.basis.replace("GDPR", gettext("GDPR")),
        source=told(use.source),
        kept=told(use.duration),
        recipients=tuple(told(one) for one in use.recipients),
        kinds=kinds,
    )


def column_of(declaration: Declaration, name: str) -> "models.Field[Any, Any]":
    """The field a row's value belongs to."""
    found = declaration.model._meta.get_field(name)
    assert isinstance(found, models.Field)
    return found


def is_gone(column: "models.Field[Any, Any]", value: Any) -> bool:
    """Whether a value cannot be read any more: a sealed one is never empty otherwise."""
    return isinstance(column, SealedTextField) and value is None


Names = Mapping[tuple[type[models.Model], Any], str]


def _in_order(declaration: Declaration, rows: Sequence[Held]) -> Sequence[Held]:
    last = _CALLED.get(declaration.label, ("",))[-1]
    if not last or not isinstance(column_of(declaration, last), models.DateTimeField):
        return rows
    return sorted(rows, key=lambda row: row.fields[last][1] or "", reverse=True)


def _entry(declaration: Declaration, row: Held, *, names: Names, zone: ZoneInfo) -> Entry:
    called = _CALLED.get(declaration.label, ())
    lines = dict(_lines(declaration, row, names=names, zone=zone))
    title = [lines.pop(name).value for name in called if name in lines and not lines[name].gone]
    if title and column_of(declaration, called[0]).choices:  # words of ours; a name or an address stays as it is
        title[0] = capfirst(title[0])
    joined = " ".join(title) if declaration.label == "bookings.Patient" else ", ".join(title)
    return Entry(title=joined, lines=list(lines.values()))


def _lines(declaration: Declaration, row: Held, *, names: Names, zone: ZoneInfo) -> Iterable[tuple[str, Line]]:
    """What a row says, by its fields' names."""
    for name, (category, value) in row.fields.items():
        if category is Category.TECHNICAL and name not in _TOLD:
            continue
        column = column_of(declaration, name)
        label = capfirst(str(column.verbose_name))
        if is_gone(column, value):
            yield name, Line(label, gettext("no longer readable"), gone=True)
        elif value not in (None, "", []) and (said := _said(column, value, names=names, zone=zone)):
            yield name, Line(label, said)


def _said(column: "models.Field[Any, Any]", value: Any, *, names: Names, zone: ZoneInfo) -> str:
    """A value as a person reads it; empty for what has no words."""
    if column.related_model is not None:
        return names.get((column.related_model, value), "")
    if column.name in CODED:
        return str(CODED[column.name].get(value, value))
    if column.name == "needs":
        return ", ".join(str(_NEEDS.get(need, need)) for need in value.split())
    if column.choices:
        return str(dict(column.flatchoices).get(value, value))
    if isinstance(column, models.BooleanField):
        return gettext("yes") if value else gettext("no")
    if isinstance(column, models.DateTimeField):
        return moments.moment(datetime.fromisoformat(value), zone=zone)
    if isinstance(column, models.DateField):
        return moments.day(date.fromisoformat(value))
    if column.name == "birth_date":
        return moments.born(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _names(found: Iterable[tuple[Declaration, list[Held]]], *, zone: ZoneInfo) -> Names:
    """How the things that rows point to are called: one query for each kind of thing."""
    wanted: dict[type[models.Model], set[Any]] = defaultdict(set)
    for declaration, rows in found:
        for row in rows:
            for name, (category, value) in row.fields.items():
                target = column_of(declaration, name).related_model
                if value is None or not isinstance(target, type) or issubclass(target, Clinic | Patient):
                    continue
                if category is not Category.TECHNICAL or name in _TOLD:
                    wanted[target].add(value)
    names: dict[tuple[type[models.Model], Any], str] = {}
    for target, pks in wanted.items():
        things = target._default_manager.filter(pk__in=pks)
        if target is Appointment:
            things = things.select_related("clinic", "location", "service").prefetch_related("service__texts")
        elif target is HealthcareService:
            things = things.select_related("clinic").prefetch_related("texts")
        elif target is RelatedPerson:
            things = things.select_related("patient")
        for thing in things:
            # What collect() gives is in JSON's types: a UUID has become text.
            key = thing.pk if isinstance(thing.pk, int) else str(thing.pk)
            names[target, key] = _name_of(thing)
    return names


def _name_of(thing: models.Model) -> str:
    if isinstance(thing, HealthcareService):
        return name_of(thing, clinic=thing.clinic, language=get_language() or thing.clinic.language).text
    if isinstance(thing, Appointment):
        return f"{_name_of(thing.service)}, {moments.moment(thing.start, zone=thing.location.tz)}"
    if isinstance(thing, RelatedPerson):
        try:
            return thing.name
        except KeyDestroyed:
            return gettext("no longer readable")
    return str(thing)
