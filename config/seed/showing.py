"""What the demo shows of the engine beside single visits: groups, requests and offers, a series, one squeezed in."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from audit.context import Actor
from bookings import approval, availability, booking, recurrence, series, sessions
from bookings.availability import Slot, Wish
from bookings.booking import Told
from bookings.models import Appointment, Clinic, GroupSession, HealthcareService, Location, Patient, Practitioner
from bookings.refusals import Refusal

#: When the group meets, in its practitioner's hours: Wednesday at five.
GROUP_DAY: Final = 2
GROUP_HOUR: Final = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """One clinic's share. What is over was booked `then`, what is to come `now`."""

    actor: Actor
    clinic: Clinic
    patients: list[Patient]
    dice: random.Random
    then: datetime
    now: datetime
    weeks: int

    def groups(self) -> list[Appointment]:
        """A session a week of each group service, and who joined; a week that is closed has none."""
        joined: list[Appointment] = []
        for service in self.clinic.services.exclude(capacity=None):
            for session in self._sessions(service):
                for patient in self.dice.sample(self.patients, self.dice.randint(1, min(4, len(self.patients)))):
                    joined += self._book(service, patient, start=session.start, location=session.location)
        return joined

    def what_waits_and_repeats(self) -> int:
        """Two requests and an offer for each service that the clinic confirms; one series for each that repeats."""
        made = 0
        for service in self.clinic.services.filter(needs_approval=True):
            times = self._next(service, count=12, after=timedelta(days=3))[::2]
            asked: list[Appointment] = []
            for slot, patient in zip(times[:3], self.dice.sample(self.patients, 3), strict=False):
                asked += self._book(service, patient, slot=slot)
            if len(asked) == 3 and len(times) > 3:
                slot = times[3]
                approval.offer(
                    actor=self.actor,
                    now=self.now,
                    appointment_id=asked[2].pk,
                    start=slot.start,
                    location=Location.objects.get(pk=slot.location_id),
                    practitioner=Practitioner.objects.get(pk=slot.practitioner_id),
                )
            made += len(asked)
        for service in self.clinic.services.filter(most_repeats__gt=1):
            for slot in self._next(service, count=1, after=timedelta(days=2)):
                patient = self.dice.choice(self.patients)
                wish = Wish(
                    service=service,
                    location=Location.objects.get(pk=slot.location_id),
                    practitioner=Practitioner.objects.get(pk=slot.practitioner_id),
                    start=slot.start,
                )
                booked = series.book_series(
                    actor=self.actor,
                    now=self.now,
                    key=UUID(int=self.dice.getrandbits(128), version=4),
                    patient=patient,
                    wish=wish,
                    rrule=recurrence.rule(frequency="WEEKLY", count=6),
                    skipping=True,
                    told=Told(language=patient.language),
                )
                made += len(booked.appointments)
        return made

    def squeezed_in(self) -> int:
        """One urgent visit beside another, where a service allows it."""
        made = 0
        for service in self.clinic.services.filter(overbook_cap__gt=0):
            booked = Appointment.objects.filter(service=service, status="booked", start__gt=self.now, kind="on-site")
            for beside in booked.select_related("location", "practitioner")[:1]:
                made += len(
                    self._book(
                        service,
                        self.dice.choice(self.patients),
                        start=beside.start,
                        location=beside.location,
                        practitioner=beside.practitioner,
                        squeezed=True,
                    )
                )
        return made

    def _sessions(self, service: HealthcareService) -> Iterator[GroupSession]:
        offer = service.offers.select_related("practitioner").order_by("pk")[0]
        location = offer.practitioner.schedule.opening_hours.order_by("pk")[0].location
        day = (self.now - timedelta(weeks=self.weeks)).astimezone(location.tz)
        day = day.replace(hour=GROUP_HOUR, minute=0, second=0, microsecond=0)
        first = day + timedelta(days=(GROUP_DAY - day.weekday()) % 7)
        for week in range(2 * self.weeks):
            start = first + timedelta(weeks=week)
            try:
                planned = sessions.plan(
                    actor=self.actor,
                    now=self._asked_at(start),
                    service=service,
                    location=location,
                    practitioner=offer.practitioner,
                    start=start,
                )
            except Refusal:
                continue  # a public holiday
            yield from planned

    def _next(self, service: HealthcareService, *, count: int, after: timedelta) -> list[Slot]:
        return availability.next_free(service=service, now=self.now, after=self.now + after, count=count)

    def _book(
        self,
        service: HealthcareService,
        patient: Patient,
        *,
        slot: Slot | None = None,
        start: datetime | None = None,
        location: Location | None = None,
        practitioner: Practitioner | None = None,
        squeezed: bool = False,
    ) -> list[Appointment]:
        """By the patient, online, in a free slot; or by the desk, at a time. Empty where it is not to be had."""
        if slot is not None:
            start, location = slot.start, Location.objects.get(pk=slot.location_id)
            practitioner = Practitioner.objects.get(pk=slot.practitioner_id)
        assert start is not None
        assert location is not None
        try:
            booked = booking.book(
                actor=self.actor,
                now=self._asked_at(start),
                key=UUID(int=self.dice.getrandbits(128), version=4),
                patient=patient,
                service=service,
                location=location,
                practitioner=practitioner,
                start=start,
                language=patient.language,
                contact_person=patient.related_persons.first(),
                online=slot is not None,
                overbook_reason="urgent" if squeezed else "",
            )
        except Refusal:
            return []
        return [booked]

    def _asked_at(self, start: datetime) -> datetime:
        return self.now if start > self.now else self.then
