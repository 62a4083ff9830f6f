"""The demo's clinics, locations, rooms, services, practitioners and their hours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, Final

from bookings.availability import NOTHING_SAID, Asking
from bookings.models import Coverage, HealthcareService, Need, Standing, VisitKind

MORNING: Final = (time(8, 30), time(12, 30))
AFTERNOON: Final = (time(14), time(18))
WEEK: Final = (0, 1, 2, 3, 4)
#: The Monday from which "every other week" counts.
COUNTED_FROM: Final = date(2024, 1, 1)

Hours = tuple[str, tuple[int, ...], tuple[time, time]]


@dataclass(frozen=True, slots=True)
class Site:
    slug: str
    name: str
    address: str
    access_notes: str
    zone: str
    country: str
    subdivision: str
    rooms: tuple[tuple[str, str, bool], ...]
    """(name, kind, step-free)"""
    devices: tuple[tuple[str, str], ...] = ()
    """(name, kind)"""


@dataclass(frozen=True, slots=True)
class Offer:
    slug: str
    duration: int
    step: int
    room_kind: str
    buffers: tuple[int, int] = (0, 0)
    minimum_notice: int = 120
    horizon: int = 90
    cancel_until: int = 240
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the service."""
    terms: tuple[Mapping[str, Any], ...] = ()
    """Other terms for some patients: fields of ServiceTerms."""
    asked: Asking = NOTHING_SAID
    """What most of its patients say of themselves."""


@dataclass(frozen=True, slots=True)
class Doctor:
    title: str
    name: str
    username: str
    languages: str
    services: tuple[str, ...]
    hours: tuple[Hours, ...]
    """(location slug, weekdays from Monday = 0, (opens, closes) in wall time)"""
    every_other_week: tuple[Hours, ...] = ()


@dataclass(frozen=True, slots=True)
class Practice:
    slug: str
    name: str
    neutral_name: str
    legal_name: str
    address: str
    phone: str
    email: str
    hours_text: str
    language: str
    authority: str
    accent: str
    sites: tuple[Site, ...]
    offers: tuple[Offer, ...]
    doctors: tuple[Doctor, ...]
    staff: tuple[tuple[str, str, str], ...] = field(default=())
    """(username, full name, role)"""


LYON: Final = Practice(
    slug="cabinet-des-terreaux",
    name="Cabinet médical des Terreaux",
    neutral_name="Cabinet des Terreaux",
    legal_name="SELARL Cabinet des Terreaux",
    address="12 rue d’Algérie, 69001 Lyon, France",
    phone="+33 4 65 71 00 12",
    email="accueil@terreaux.example",
    hours_text="Lun–ven 8:00–12:30, 13:30–18:00, sam–dim 9:00–12:00",
    language="fr",
    authority="CNIL, 3 place de Fontenoy, 75007 Paris, www.cnil.fr",
    accent="#1d6b63",
    sites=(
        Site(
            "terreaux",
            "Lyon Terreaux",
            "12 rue d’Algérie\n69001 Lyon",
            "2e étage, ascenseur. Métro Hôtel de Ville. Entrée sans marche par la cour.",
            "Europe/Paris",
            "FR",
            "",
            (
                ("Salle 1", "consultation", True),
                ("Salle 2", "consultation", False),
                ("Échographie", "ultrasound", True),
                ("Salle de soins", "treatment", True),
                ("Salle d’exercice", "exercise", True),
            ),
            (("Échographe", "ultrasound"),),
        ),
        Site(
            "croix-rousse",
            "Lyon Croix-Rousse",
            "4 place de la Croix-Rousse\n69004 Lyon",
            "Rez-de-chaussée, sonnette à droite.",
            "Europe/Paris",
            "FR",
            "",
            (("Salle A", "consultation", True),),
        ),
    ),
    offers=(
        Offer(
            "consultation", 20, 20, "consultation", asked=Asking(standing=Standing.KNOWN),
            more={"kinds": [VisitKind.ON_SITE, VisitKind.VIDEO], "overbook_cap": 1},
            terms=({"standing": Standing.NEW, "duration": 40}, {"need": Need.INTERPRETER, "extra": 20}),
        ),
        Offer("follow-up", 15, 15, "consultation", minimum_notice=60),
        Offer("blood-test", 10, 10, "", minimum_notice=720, horizon=30, more={"cap_day": 1, "cap_open": 3}),
        Offer(
            "ultrasound", 30, 30, "ultrasound", buffers=(0, 10), minimum_notice=1440, cancel_until=1440,
            more={"device_kind": "ultrasound"},
        ),
        Offer("physiotherapy", 45, 15, "", buffers=(5, 5), horizon=60, more={"most_repeats": 10}),
        Offer("back-class", 60, 60, "exercise", horizon=60, more={"capacity": 6}),
        Offer(
            "minor-procedure", 30, 30, "treatment", buffers=(0, 15), minimum_notice=1440, cancel_until=1440,
            more={"needs_approval": True, "answer_hours": 72, "cap_open": 1},
        ),
    ),
    doctors=(
        Doctor(
            "Dr", "Selin Demir", "demir", "fr en tr", ("consultation", "follow-up", "ultrasound", "minor-procedure"),
            (("terreaux", WEEK, MORNING), ("terreaux", (0, 1, 3), AFTERNOON), ("croix-rousse", (4,), AFTERNOON)),
        ),
        Doctor(
            "Dr", "Paul Vernay", "vernay", "fr es", ("consultation", "follow-up"),
            (("croix-rousse", (0, 1, 2, 3), MORNING), ("croix-rousse", (0, 1, 2, 3), AFTERNOON)),
            (("terreaux", (4,), AFTERNOON),),
        ),
        Doctor("Dr", "Inès Caron", "caron", "fr en it", ("consultation", "follow-up"), (("terreaux", (5, 6), (time(9), time(12))),)),
        Doctor("", "Aïcha Benali", "benali", "fr ar", ("blood-test",), (("terreaux", WEEK, (time(7, 30), time(11))),)),
        Doctor(
            "", "Mathieu Roche", "roche", "fr en", ("physiotherapy", "back-class"),
            (("terreaux", (0, 2, 4), MORNING), ("terreaux", (0, 2, 4), AFTERNOON)),
        ),
    ),
    staff=(("carla", "Carla Moreau", "reception"), ("marc", "Marc Tissot", "manager"), ("eva", "Eva Lindqvist", "dpo")),
)  # fmt: skip

VIENNA: Final = Practice(
    slug="ordination-alsergrund",
    name="Ordination Alsergrund",
    neutral_name="Ordination Alsergrund",
    legal_name="Gruppenpraxis Alsergrund OG",
    address="Währinger Straße 48, 1090 Wien, Österreich",
    phone="+43 1 890 00 48",
    email="empfang@alsergrund.example",
    hours_text="Mo–Fr 8–13 Uhr, Mo und Do 15–18 Uhr",
    language="de",
    authority="Österreichische Datenschutzbehörde, Barichgasse 40–42, 1030 Wien, www.dsb.gv.at",
    accent="#7a3b52",
    sites=(
        Site(
            "alsergrund",
            "Wien Alsergrund",
            "Währinger Straße 48\n1090 Wien",
            "Hochparterre mit Rampe. Straßenbahn 40, 41, 42: Spitalgasse.",
            "Europe/Vienna",
            "AT",
            "9",
            (("Behandlung", "treatment", True),),
        ),
    ),
    offers=(
        Offer("first-visit", 30, 30, "treatment", buffers=(0, 5)),
        Offer(
            "check-up", 15, 15, "", asked=Asking(coverage=Coverage.STATUTORY),
            terms=({"coverage": Coverage.PRIVATE, "duration": 30},),
        ),
        Offer("vaccination", 10, 10, "treatment", minimum_notice=1440, horizon=45),
        Offer(
            "home-visit", 30, 30, "", minimum_notice=1440, asked=Asking(kind=VisitKind.HOME),
            more={"kinds": [VisitKind.HOME], "travel": 20},
        ),
    ),
    doctors=(
        Doctor(
            "Dr.", "Katharina Egger", "egger", "de en", ("first-visit", "check-up", "home-visit"),
            (("alsergrund", WEEK, (time(8), time(12, 30))), ("alsergrund", (0, 3), (time(15), time(18)))),
        ),
        Doctor("Dr.", "Tomáš Novák", "novak", "de cs en", ("check-up", "vaccination"), (("alsergrund", WEEK, (time(8), time(12))),)),
    ),
    staff=(("otto", "Otto Brandl", "reception"), ("ines", "Ines Hofer", "manager"), ("anton", "Anton Reiter", "auditor")),
)  # fmt: skip


def asked_of(service: HealthcareService) -> Asking:
    """What most patients of a demo's service say of themselves."""
    offers = {offer.slug: offer for practice in (LYON, VIENNA) for offer in practice.offers}
    return offers[service.slug].asked
