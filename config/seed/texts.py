"""What the demo's clinics say about themselves, in six languages."""

from typing import Final

LANGUAGES: Final = ("en", "de", "fr", "es", "it", "nl")

#: slug -> language -> (name, what to know before the visit)
SERVICES: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "consultation": {
        "fr": ("Consultation de médecine générale", "Apportez votre carte Vitale et la liste de vos médicaments."),
        "en": ("General consultation", "Bring your insurance card and a list of your medicines."),
        "de": ("Allgemeine Sprechstunde", "Bringen Sie Ihre Versichertenkarte und eine Liste Ihrer Medikamente mit."),
        "es": ("Consulta de medicina general", "Traiga su tarjeta sanitaria y la lista de sus medicamentos."),
        "it": ("Visita di medicina generale", "Porti la tessera sanitaria e l’elenco dei suoi farmaci."),
        "nl": ("Huisartsconsult", "Neem uw verzekeringspas en een lijst van uw medicijnen mee."),
    },
    "follow-up": {
        "fr": ("Visite de suivi", ""),
        "en": ("Follow-up visit", ""),
        "de": ("Folgetermin", ""),
        "es": ("Visita de seguimiento", ""),
        "it": ("Visita di controllo", ""),
        "nl": ("Vervolgafspraak", ""),
    },
    "blood-test": {
        "fr": ("Prise de sang", "Venez à jeun : rien à manger depuis huit heures, l’eau est permise."),
        "en": ("Blood test", "Come fasting: nothing to eat for eight hours; water is fine."),
        "de": ("Blutabnahme", "Kommen Sie nüchtern: acht Stunden nichts essen, Wasser ist erlaubt."),
        "es": ("Análisis de sangre", "Venga en ayunas: ocho horas sin comer; puede beber agua."),
        "it": ("Prelievo del sangue", "Venga a digiuno da otto ore; l’acqua è permessa."),
        "nl": ("Bloedafname", "Kom nuchter: acht uur niets eten; water mag."),
    },
    "ultrasound": {
        "fr": ("Échographie", "Buvez un demi-litre d’eau une heure avant l’examen."),
        "en": ("Ultrasound scan", "Drink half a litre of water one hour before the scan."),
        "de": ("Ultraschall", "Trinken Sie eine Stunde vorher einen halben Liter Wasser."),
        "es": ("Ecografía", "Beba medio litro de agua una hora antes."),
        "it": ("Ecografia", "Beva mezzo litro d’acqua un’ora prima dell’esame."),
        "nl": ("Echografie", "Drink een uur van tevoren een halve liter water."),
    },
    "physiotherapy": {
        "fr": ("Kinésithérapie", "Portez des vêtements souples et apportez une serviette."),
        "en": ("Physiotherapy", "Wear loose clothes and bring a towel."),
        "de": ("Physiotherapie", "Tragen Sie bequeme Kleidung und bringen Sie ein Handtuch mit."),
        "es": ("Fisioterapia", "Lleve ropa cómoda y una toalla."),
        "it": ("Fisioterapia", "Indossi abiti comodi e porti un asciugamano."),
        "nl": ("Fysiotherapie", "Draag losse kleding en neem een handdoek mee."),
    },
    "back-class": {
        "fr": ("École du dos (en groupe)", "Portez des vêtements souples. Un tapis vous attend."),
        "en": ("Back class (group)", "Wear loose clothes. A mat is waiting for you."),
        "de": ("Rückenschule (Gruppe)", "Tragen Sie bequeme Kleidung. Eine Matte liegt bereit."),
        "es": ("Escuela de espalda (grupo)", "Lleve ropa cómoda. Le espera una esterilla."),
        "it": ("Scuola della schiena (gruppo)", "Indossi abiti comodi. Troverà un tappetino."),
        "nl": ("Rugschool (groep)", "Draag losse kleding. Er ligt een matje klaar."),
    },
    "minor-procedure": {
        "fr": ("Petite intervention", "Nous confirmons chaque demande. Prévoyez quelqu’un pour vous raccompagner."),
        "en": ("Minor procedure", "We confirm each request. Arrange for somebody to take you home."),
        "de": ("Kleiner Eingriff", "Wir bestätigen jede Anfrage. Lassen Sie sich danach abholen."),
        "es": ("Intervención menor", "Confirmamos cada solicitud. Prevea que alguien le acompañe a casa."),
        "it": ("Piccolo intervento", "Confermiamo ogni richiesta. Si faccia accompagnare a casa."),
        "nl": ("Kleine ingreep", "Wij bevestigen elk verzoek. Regel dat iemand u naar huis brengt."),
    },
    "home-visit": {
        "de": ("Hausbesuch", "Halten Sie e-card und Medikamentenliste bereit."),
        "en": ("Home visit", "Have your e-card and a list of your medicines ready."),
        "fr": ("Visite à domicile", "Préparez votre carte d’assurance et la liste de vos médicaments."),
        "es": ("Visita a domicilio", "Tenga a mano su tarjeta sanitaria y la lista de sus medicamentos."),
        "it": ("Visita a domicilio", "Tenga pronte la tessera sanitaria e la lista dei suoi farmaci."),
        "nl": ("Huisbezoek", "Leg uw verzekeringspas en medicijnlijst klaar."),
    },
    "first-visit": {
        "de": ("Erstordination", "Bringen Sie Ihre e-card und vorhandene Befunde mit."),
        "en": ("First visit", "Bring your e-card and any earlier findings."),
        "fr": ("Première visite", "Apportez votre carte d’assurance et vos résultats précédents."),
        "es": ("Primera visita", "Traiga su tarjeta sanitaria e informes anteriores."),
        "it": ("Prima visita", "Porti la tessera sanitaria e i referti precedenti."),
        "nl": ("Eerste bezoek", "Neem uw verzekeringspas en eerdere uitslagen mee."),
    },
    "check-up": {
        "de": ("Kontrolle", ""),
        "en": ("Check-up", ""),
        "fr": ("Contrôle", ""),
        "es": ("Revisión", ""),
        "it": ("Controllo", ""),
        "nl": ("Controle", ""),
    },
    "vaccination": {
        "de": ("Impfung", "Bringen Sie Ihren Impfpass mit und planen Sie 15 Minuten zum Ausruhen ein."),
        "en": ("Vaccination", "Bring your vaccination card and allow 15 minutes to rest."),
        "fr": ("Vaccination", "Apportez votre carnet de vaccination et prévoyez 15 minutes de repos."),
        "es": ("Vacunación", "Traiga su cartilla de vacunación y prevea 15 minutos de reposo."),
        "it": ("Vaccinazione", "Porti il libretto vaccinale e calcoli 15 minuti di riposo."),
        "nl": ("Vaccinatie", "Neem uw vaccinatieboekje mee en reken op 15 minuten rust."),
    },
}

#: language -> the privacy notice (Art. 13 GDPR); {clinic}, {address}, {phone}, {authority} and {reminders} (see `asked.WHY_REMINDED`) are
#: filled in
NOTICE: Final[dict[str, str]] = {
    "en": (
        "{clinic}, {address}, is responsible for your data.\n\n"
        "We use your name, birth date, contact, language and, if you give them, your reason and your answers to our questions, to book and"
        " keep your appointment (Articles 6(1)(b) and 9(2)(h) GDPR). You need not give any. {reminders}\n\n"
        "Our staff see them, and the provider that carries our e-mail sees your address. Nothing leaves the European Economic Area.\n\n"
        "We keep them for 12 months after the appointment; the medical record has longer terms of its own.\n\n"
        "You may ask for a copy, correction, erasure or restriction, and object: call {phone}."
        " You may complain to the supervisory authority: {authority}."
    ),
    "de": (
        "Verantwortlich für Ihre Daten ist {clinic}, {address}.\n\n"
        "Wir verwenden Name, Geburtsdatum, Kontakt, Sprache und, wenn Sie sie angeben, den Grund Ihres Besuchs und Ihre Antworten auf unsere"
        " Fragen, um Ihren Termin zu buchen und zu verwalten (Art. 6 Abs. 1 lit. b und Art. 9 Abs. 2 lit. h DSGVO). Grund und Antworten"
        " sind freiwillig. {reminders}\n\n"
        "Unser Personal sieht diese Daten; der Anbieter, der unsere E-Mails befördert, sieht Ihre Adresse. Nichts verlässt den Europäischen"
        " Wirtschaftsraum.\n\n"
        "Wir speichern sie bis 12 Monate nach dem Termin; für die Krankenakte gelten eigene, längere Fristen.\n\n"
        "Sie können Auskunft, Berichtigung, Löschung oder Einschränkung verlangen und widersprechen: Rufen Sie {phone} an."
        " Beschweren können Sie sich bei der Aufsichtsbehörde: {authority}."
    ),
    "fr": (
        "{clinic}, {address}, est responsable de vos données.\n\n"
        "Nous utilisons vos nom, date de naissance, contact, langue et, si vous les donnez, le motif de votre visite et vos réponses à nos"
        " questions, pour prendre et gérer votre rendez-vous (articles 6(1)(b) et 9(2)(h) du RGPD). Motif et réponses sont facultatifs."
        " {reminders}\n\n"
        "Notre personnel les voit ; le prestataire qui achemine nos courriels voit votre adresse. Rien ne sort de l’Espace économique"
        " européen.\n\n"
        "Nous les gardons 12 mois après le rendez-vous ; le dossier médical suit ses propres durées, plus longues.\n\n"
        "Vous pouvez demander une copie, une rectification, un effacement ou une limitation, et vous opposer : appelez le {phone}."
        " Vous pouvez saisir l’autorité de contrôle : {authority}."
    ),
    "es": (
        "{clinic}, {address}, es responsable de sus datos.\n\n"
        "Usamos su nombre, fecha de nacimiento, contacto, idioma y, si los da, el motivo de su visita y sus respuestas a nuestras preguntas,"
        " para reservar y gestionar su cita (artículos 6.1.b y 9.2.h del RGPD). Motivo y respuestas son opcionales. {reminders}\n\n"
        "Los ve nuestro personal; el proveedor que transporta nuestro correo ve su dirección. Nada sale del Espacio Económico Europeo.\n\n"
        "Los conservamos 12 meses tras la cita; la historia clínica tiene plazos propios, más largos.\n\n"
        "Puede pedir copia, rectificación, supresión o limitación, y oponerse: llame al {phone}."
        " Puede reclamar ante la autoridad de control: {authority}."
    ),
    "it": (
        "{clinic}, {address}, è titolare del trattamento dei suoi dati.\n\n"
        "Usiamo nome, data di nascita, contatto, lingua e, se li indica, il motivo della visita e le sue risposte alle nostre domande, per"
        " prenotare e gestire il suo appuntamento (articoli 6(1)(b) e 9(2)(h) GDPR). Motivo e risposte sono facoltativi. {reminders}\n\n"
        "Li vede il nostro personale; il fornitore che trasporta la nostra posta vede il suo indirizzo. Nulla lascia lo Spazio economico"
        " europeo.\n\n"
        "Li conserviamo per 12 mesi dopo l’appuntamento; la cartella clinica ha termini propri, più lunghi.\n\n"
        "Può chiedere copia, rettifica, cancellazione o limitazione, e opporsi: chiami il {phone}."
        " Può presentare reclamo all’autorità di controllo: {authority}."
    ),
    "nl": (
        "{clinic}, {address}, is verantwoordelijk voor uw gegevens.\n\n"
        "Wij gebruiken uw naam, geboortedatum, contact, taal en, als u die opgeeft, de reden van uw bezoek en uw antwoorden op onze vragen,"
        " om uw afspraak te maken en te beheren (artikelen 6(1)(b) en 9(2)(h) AVG). Reden en antwoorden zijn niet verplicht."
        " {reminders}\n\n"
        "Ons personeel ziet ze; de dienst die onze e-mail bezorgt, ziet uw adres. Niets verlaat de Europese Economische Ruimte.\n\n"
        "Wij bewaren ze tot 12 maanden na de afspraak; voor het medisch dossier gelden eigen, langere termijnen.\n\n"
        "U kunt een kopie, rectificatie, wissing of beperking vragen, en bezwaar maken: bel {phone}."
        " U kunt een klacht indienen bij de toezichthouder: {authority}."
    ),
}
