"""What the demo's clinics ask of whoever books, and what they say in further languages. Nobody must answer."""

from dataclasses import dataclass, field
from typing import Final

#: In which words a question stands: the question, and the answers to choose from.
Wording = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Asks:
    """One question of a service, in its languages."""

    kind: str
    words: dict[str, Wording]
    hints: dict[str, str] = field(default_factory=dict)


#: slug of a service -> its questions, in order
QUESTIONS: Final[dict[str, tuple[Asks, ...]]] = {
    "first-visit": (
        Asks(
            "text",
            {
                "de": ("Welche Medikamente nehmen Sie?", ()),
                "en": ("Which medicines do you take?", ()),
                "fr": ("Quels médicaments prenez-vous ?", ()),
            },
            {
                "de": "Auch solche ohne Rezept.",
                "en": "Those without a prescription too.",
                "fr": "Également ceux sans ordonnance.",
            },
        ),
        Asks(
            "choice",
            {
                "de": (
                    "Haben Sie Befunde, die wir sehen sollten?",
                    ("Ja, ich bringe sie mit", "Nein", "Weiß ich nicht"),
                ),
                "en": ("Do you have findings that we should see?", ("Yes, I bring them", "No", "I do not know")),
                "fr": ("Avez-vous des résultats à nous montrer ?", ("Oui, je les apporte", "Non", "Je ne sais pas")),
            },
        ),
    ),
    "ultrasound": (
        Asks(
            "date",
            {
                "fr": ("Date de votre dernière échographie", ()),
                "de": ("Datum Ihrer letzten Ultraschalluntersuchung", ()),
                "en": ("Date of your last ultrasound scan", ()),
            },
        ),
        Asks(
            "number",
            {
                "fr": ("Votre taille, en centimètres", ()),
                "de": ("Ihre Körpergröße in Zentimetern", ()),
                "en": ("Your height, in centimetres", ()),
            },
            {
                "fr": "Pour régler la table d’examen avant votre arrivée.",
                "de": "Damit die Liege eingestellt ist, wenn Sie kommen.",
                "en": "So that the couch is set when you come.",
            },
        ),
    ),
}

#: slug of a clinic -> language -> what is agreed to with reminders; a clinic that is not here needs no consent for them
REMINDERS: Final[dict[str, dict[str, str]]] = {
    "ordination-alsergrund": {
        "de": "Die Ordination Alsergrund darf mich am Tag davor per E-Mail an meine Termine erinnern.",
        "en": "Ordination Alsergrund may remind me of my appointments by e-mail on the day before.",
    },
}

#: slug of a clinic -> language -> when its phone is answered
HOURS: Final[dict[str, dict[str, str]]] = {
    "cabinet-des-terreaux": {
        "en": "Mon–Fri 8:00–12:30, 13:30–18:00, Sat–Sun 9:00–12:00",
        "de": "Mo–Fr 8–12.30 und 13.30–18 Uhr, Sa–So 9–12 Uhr",
    },
    "ordination-alsergrund": {
        "en": "Mon–Fri 8:00–13:00, Mon and Thu 15:00–18:00",
        "fr": "Lun–ven 8h–13h, lun et jeu 15h–18h",
    },
}

#: slug of a location -> language -> how to get in
ACCESS: Final[dict[str, dict[str, str]]] = {
    "terreaux": {
        "en": "Second floor, lift. Metro Hôtel de Ville. Step-free way in through the courtyard.",
        "de": "Zweiter Stock, Lift. Metro Hôtel de Ville. Stufenloser Eingang durch den Hof.",
    },
    "croix-rousse": {
        "en": "Ground floor, bell on the right.",
        "de": "Erdgeschoss, Klingel rechts.",
    },
    "alsergrund": {
        "en": "Raised ground floor with a ramp. Trams 40, 41, 42: Spitalgasse.",
        "fr": "Rez-de-chaussée surélevé, avec une rampe. Trams 40, 41, 42 : Spitalgasse.",
    },
}

#: language -> a sentence of the privacy notice: why reminders are sent, where no consent is asked and where one is
WHY_REMINDED: Final[dict[str, tuple[str, str]]] = {
    "en": (
        "We remind you by e-mail on the day before; tell us if you do not want that.",
        "We remind you by e-mail on the day before only if you agreed (Article 6(1)(a)); you can take that back at any time.",
    ),
    "de": (
        "Am Tag davor erinnern wir Sie per E-Mail; sagen Sie uns, wenn Sie das nicht möchten.",
        (
            "Am Tag davor erinnern wir Sie per E-Mail nur, wenn Sie zugestimmt haben (Art. 6 Abs. 1 lit. a); das können Sie jederzeit"
            " widerrufen."
        ),
    ),
    "fr": (
        "La veille, nous vous envoyons un rappel par courriel ; dites-nous si vous n’en voulez pas.",
        (
            "La veille, nous vous envoyons un rappel par courriel uniquement si vous l’avez accepté (article 6(1)(a)) ; vous pouvez revenir"
            " sur cet accord à tout moment."
        ),
    ),
    "es": (
        "La víspera le enviamos un recordatorio por correo electrónico; díganos si no lo desea.",
        (
            "La víspera le enviamos un recordatorio por correo electrónico solo si lo aceptó (artículo 6.1.a); puede retirarlo en cualquier"
            " momento."
        ),
    ),
    "it": (
        "Il giorno prima le inviamo un promemoria per e-mail; ci dica se non lo desidera.",
        "Il giorno prima le inviamo un promemoria per e-mail solo se ha acconsentito (articolo 6(1)(a)); può revocarlo in ogni momento.",
    ),
    "nl": (
        "De dag ervoor sturen wij u een herinnering per e-mail; zeg het ons als u dat niet wilt.",
        (
            "De dag ervoor sturen wij u alleen een herinnering per e-mail als u daarmee instemde (artikel 6(1)(a)); u kunt dat altijd"
            " intrekken."
        ),
    ),
}
