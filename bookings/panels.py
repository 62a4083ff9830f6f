"""What other rooms have to say on an appointment's page: the door through which calendars and notifications speak."""

from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import UUID

from django.utils.functional import Promise


class AppointmentPanel(Protocol):
    """One titled block of lines on the pages that show appointments."""

    @property
    def title(self) -> str | Promise:
        """The block's heading, translated when shown."""

    def lines(self, appointment_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
        """What there is to say about each appointment, in reading order; one that is not named has nothing.

        Takes a constant number of queries for any number of appointments. A line names no patient.
        """


_panels: list[AppointmentPanel] = []


def register(panel: AppointmentPanel) -> None:
    """Add a panel. Called once, from `AppConfig.ready()` of the app that speaks."""
    if not any(type(known) is type(panel) for known in _panels):
        _panels.append(panel)


def collect(appointment_ids: Iterable[UUID]) -> dict[UUID, list[tuple[str, list[str]]]]:
    """For each appointment the `(title, lines)` of every panel with something to say, in order of registration."""
    wanted = list(dict.fromkeys(appointment_ids))
    collected: dict[UUID, list[tuple[str, list[str]]]] = {appointment_id: [] for appointment_id in wanted}
    for panel in _panels if wanted else ():
        for appointment_id, lines in panel.lines(wanted).items():
            if lines and appointment_id in collected:
                collected[appointment_id].append((str(panel.title), lines))
    return collected
