"""The demo's clinics, locations, rooms, services, practitioners and their hours."""

from dataclasses import dataclass, field
from datetime import time
from typing import Final

MORNING: Final = (time(8, 30), time(12, 30))
AFTERNOON: Final = (time(14), time(18))
WEEK: Final = (0, 1, 2, 3, 4)

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
    rooms: tuple[tuple[str, str], ...]
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


@dataclass(frozen=True, slots=True)
class Doctor:
    title: str
    name: str
    username: str
    languages: str
    services: tuple[str, ...]
    hours: tuple[Hours, ...]
    """(location slug, weekdays from Monday = 0, (opens, closes) in wall time)"""


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
    hours_text="Lun–ven 8:00–12:30, 13:30–18:00",
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
            (("Salle 1", "consultation"), ("Salle 2", "consultation"), ("Échographie", "ultrasound")),
        ),
        Site(
            "croix-rousse",
            "Lyon Croix-Rousse",
            "4 place de la Croix-Rousse\n69004 Lyon",
            "Rez-de-chaussée, sonnette à droite.",
            "Europe/Paris",
            "FR",
            "",
            (("Salle A", "consultation"),),
        ),
    ),
    offers=(
        Offer("consultation", 20, 20, "consultation"),
        Offer("follow-up", 15, 15, "consultation", minimum_notice=60),
        Offer("blood-test", 10, 10, "", minimum_notice=720, horizon=30),
        Offer("ultrasound", 30, 30, "ultrasound", buffers=(0, 10), minimum_notice=1440, cancel_until=1440),
        Offer("physiotherapy", 45, 15, "", buffers=(5, 5), horizon=60),
    ),
    doctors=(
        Doctor(
            "Dr", "Selin Demir", "demir", "fr en tr", ("consultation", "follow-up", "ultrasound"),
            (("terreaux", WEEK, MORNING), ("terreaux", (0, 1, 3), AFTERNOON), ("croix-rousse", (4,), AFTERNOON)),
        ),
        Doctor(
            "Dr", "Paul Vernay", "vernay", "fr es", ("consultation", "follow-up"),
            (("croix-rousse", (0, 1, 2, 3), MORNING), ("croix-rousse", (0, 1, 2, 3), AFTERNOON)),
        ),
        Doctor("", "Aïcha Benali", "benali", "fr ar", ("blood-test",), (("terreaux", WEEK, (time(7, 30), time(11))),)),
        Doctor(
            "", "Mathieu Roche", "roche", "fr en", ("physiotherapy",),
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
            (("Behandlung", "treatment"),),
        ),
    ),
    offers=(
        Offer("first-visit", 30, 30, "treatment", buffers=(0, 5)),
        Offer("check-up", 15, 15, ""),
        Offer("vaccination", 10, 10, "treatment", minimum_notice=1440, horizon=45),
    ),
    doctors=(
        Doctor(
            "Dr.", "Katharina Egger", "egger", "de en", ("first-visit", "check-up"),
            (("alsergrund", WEEK, (time(8), time(12, 30))), ("alsergrund", (0, 3), (time(15), time(18)))),
        ),
        Doctor("Dr.", "Tomáš Novák", "novak", "de cs en", ("check-up", "vaccination"), (("alsergrund", WEEK, (time(8), time(12))),)),
    ),
    staff=(("otto", "Otto Brandl", "reception"), ("ines", "Ines Hofer", "manager"), ("anton", "Anton Reiter", "auditor")),
)  # fmt: skip
