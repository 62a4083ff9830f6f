"""People whom an account can choose in place of typing who they are: its holder, and those the holder acts for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bookings.reach import Reached

StrOrPromise = str | Promise
#: What is asked about a person who is not on record.
SAID: Final = ("given_name", "family_name", "birth_year", "birth_month", "birth_day", "helper_name", "relationship")


@dataclass(frozen=True, slots=True)
class Familiar:
    """A patient on record, and what a form about them would say; `own` when it is the account's holder."""

    code: str
    name: str
    own: bool
    phone: str
    says: Mapping[str, str]


def familiar(reached: Iterable[Reached]) -> list[Familiar]:
    """Each patient once, the holder first: themselves counts before who acts for themselves."""
    found: dict[str, Familiar] = {}
    for one in reached:
        found.setdefault(one.patient.code, _familiar(one))
    return list(found.values())


def _familiar(one: Reached) -> Familiar:
    patient, person = one.patient, one.person
    year, month, day = [*patient.birth_date.split("-", 2), "", "", ""][:3]
    return Familiar(
        code=patient.code,
        name=patient.full_name,
        own=person is None,
        phone=patient.phone if person is None else person.phone,
        says={
            "given_name": patient.given_name,
            "family_name": patient.family_name,
            "birth_year": year,
            "birth_month": month.lstrip("0"),
            "birth_day": day.lstrip("0"),
            "helper_name": "" if person is None else person.name,
            "relationship": "" if person is None else person.relationship,
        },
    )


def name_of(suffix: str) -> str:
    """The field in which a person is chosen: the first is asked for whom the appointment is anyway."""
    return f"whom{suffix}" if suffix else "who"


def choices(known: Mapping[str, Familiar], *, suffix: str) -> list[tuple[str, StrOrPromise]]:
    """Whom to choose from, and what to choose for anybody else."""
    listed: list[tuple[str, StrOrPromise]] = [(one.code, one.name) for one in known.values()]
    if suffix:
        return [*listed, ("", _("Someone else"))]
    myself = [] if any(one.own for one in known.values()) else [("me", _("For me"))]
    return [*listed, *myself, ("other", _("For someone else"))]


def as_chosen(typed: Mapping[str, str], known: Mapping[str, Familiar], *, suffixes: Iterable[str]) -> dict[str, str]:
    """A draft's fields with each person chosen in place of what was written down about them."""
    shown = {name: typed[name] for name in typed}  # what was posted holds lists, and gives the last of each
    for suffix in suffixes:
        code = typed.get(f"whom{suffix}", "")
        if code in known and typed.get(f"given_name{suffix}", "") in ("", known[code].says["given_name"]):
            shown |= {f"{name}{suffix}": "" for name in SAID if f"{name}{suffix}" in typed}
            shown[name_of(suffix)] = code
    return shown
