"""What times can be narrowed to, as links that stand side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bookings.availability import PartOfDay
from bookings.forms.wanted import Wanted, can_be_several
from bookings.moments import reader
from bookings.parties import MOST_PEOPLE

PARTS = {PartOfDay.MORNING: _("Morning"), PartOfDay.AFTERNOON: _("Afternoon"), PartOfDay.EVENING: _("Evening")}


@dataclass(frozen=True, slots=True)
class Chip:
    """One choice: its text, and where pressing it leads."""

    text: str | Promise
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """One row of choices under a heading."""

    name: str
    title: str | Promise
    chips: list[Chip]

    @property
    def chosen(self) -> list[str]:
        """What is chosen but “any”, in words."""
        return [str(chip.text) for chip in self.chips[1:] if chip.chosen]


def main_filters(wanted: Wanted, *, base: str) -> list[Filter]:
    """Where and with whom: what most people choose."""
    filters = []
    if len(wanted.places) > 1:
        places = [(site.slug, site.name) for site in wanted.places]
        filters.append(_row(wanted, base, "location", _("Where"), _("Any place"), places, wanted.place))
    people = wanted.offer.practitioners
    if len(people) > 1 and wanted.then is None:
        names = [(str(person.pk), str(person)) for person in people]
        chosen = str(wanted.practitioner.pk) if wanted.practitioner else ""
        filters.append(_row(wanted, base, "practitioner", _("With"), _("Anyone who is free"), names, chosen))
    return filters


def more_filters(wanted: Wanted, *, base: str) -> list[Filter]:
    """Language, day of the week, part of the day."""
    filters, locale = [], reader()
    languages = wanted.offer.languages
    if len(languages) > 1 and not wanted.several:
        named = [(code, str(locale.languages.get(code, code)).capitalize()) for code in languages]
        title = _("Language spoken")
        filters.append(_row(wanted, base, "language", title, _("Any language"), named, wanted.language))
    weekdays, names = wanted.offer.weekdays, locale.days["stand-alone"]["wide"]
    if len(weekdays) > 1:
        chips = [Chip(_("Any day"), base + wanted.query({"weekday": ""}), not wanted.weekdays)]
        for weekday in weekdays:
            turned = wanted.weekdays ^ {weekday}
            href = base + wanted.query({"weekday": [str(one) for one in sorted(turned)]})
            chips.append(Chip(names[weekday].capitalize(), href, weekday in wanted.weekdays))
        filters.append(Filter("weekday", _("Day of the week"), chips))
    parts = [(str(part), text) for part, text in PARTS.items()]
    title = _("Part of the day")
    filters.append(_row(wanted, base, "part", title, _("Any time of day"), parts, str(wanted.part or "")))
    return filters


def people_filter(wanted: Wanted, *, base: str) -> Filter | None:
    """For how many people; None where only one can come at a time."""
    if not can_be_several(wanted.offer.service) or wanted.then is not None or wanted.repeat is not None:
        return None
    chips = [
        Chip(str(number), base + wanted.query({"people": str(number) if number > 1 else ""}), number == wanted.people)
        for number in range(1, MOST_PEOPLE + 1)
    ]
    return Filter("people", _("For how many people?"), chips)


def chosen_words(filters: Iterable[Filter]) -> list[str]:
    """All that is chosen, in words."""
    return [word for one in filters for word in one.chosen]


def _row(
    wanted: Wanted,
    base: str,
    name: str,
    title: str | Promise,
    any_text: str | Promise,
    choices: Sequence[tuple[str, str | Promise]],
    chosen: str,
) -> Filter:
    chips = [
        Chip(text, base + wanted.query({name: value}), value == chosen) for value, text in [("", any_text), *choices]
    ]
    return Filter(name, title, chips)
