"""Why Horae holds each kind of data: one profile per activity, read by checks, exports and the records of
processing."""

from audit.declare import Retention, Use

RUNNING = Use(
    activity="Running the clinic's diary",
    purpose="Say where, when and by whom the clinic's services are given",
    basis="Art. 6(1)(f) GDPR",
    recipients=("clinic staff", "visitors of the booking pages"),
    retention=Retention.TRANSACTIONAL,
    duration="while the clinic uses Horae, then 24 months",
    subjects=("staff",),
    source="the clinic",
)
STAFF = Use(
    activity="Staff accounts and roles",
    purpose="Let staff in, confine them to their clinics and roles, and say who did what",
    basis="Art. 6(1)(b), 6(1)(f) GDPR; Art. 88 GDPR with national employment law",
    recipients=("clinic managers", "data protection officer"),
    retention=Retention.REGULATORY,
    duration="while employed, then as employment law asks; records 24 months",
    subjects=("staff",),
    source="the clinic and the staff member",
)
APPOINTMENTS = Use(
    activity="Booking and keeping appointments",
    purpose="Book, change, remind of and keep appointments with patients",
    basis="Art. 6(1)(b), 9(2)(h) GDPR",
    recipients=("clinic staff", "the patient", "the person who booked for the patient"),
    retention=Retention.TRANSACTIONAL,
    duration="12 months after the appointment, longer only where the clinic declares it part of the medical record",
    subjects=("patients", "people who book for patients"),
    source="the patient, or the person who booked for the patient",
)
PROOF_OF_CONTACT = Use(
    activity="Proving a contact",
    purpose="Send a one-time code, so that an appointment is shown only to whom it belongs",
    basis="Art. 6(1)(b), 32 GDPR",
    recipients=("the patient", "the mail provider"),
    retention=Retention.EPHEMERAL,
    duration="24 hours; sealed records until their class expires",
    subjects=("patients", "people who book for patients"),
    source="the patient, or the person who booked for the patient",
)
TRANSPARENCY = Use(
    activity="Proof of information given",
    purpose="Show which privacy notice a person was shown, and when",
    basis="Art. 5(2), 13 GDPR",
    recipients=("data protection officer", "supervisory authority"),
    retention=Retention.REGULATORY,
    duration="24 months after the last appointment",
    subjects=("patients",),
    source="the booking pages",
)
CONSENTS = Use(
    activity="Consents",
    purpose="Do what a patient agreed to, show what they agreed to, and stop when they take it back",
    basis="Art. 6(1)(a), 7(1) GDPR",
    recipients=("clinic staff", "data protection officer", "supervisory authority on request"),
    retention=Retention.REGULATORY,
    duration="while the consent stands, then 36 months",
    subjects=("patients",),
    source="the patient, or the person who acts for the patient",
)
ACCOUNTS = Use(
    activity="Patients' accounts",
    purpose="Let a patient sign in again without a code each time",
    basis="Art. 6(1)(b), 32 GDPR",
    recipients=("the patient",),
    retention=Retention.TRANSACTIONAL,
    duration="until the account is closed or its data are erased",
    subjects=("patients", "people who book for patients"),
    source="the patient, or the person who acts for the patient",
)
ABUSE = Use(
    activity="Bounding misuse",
    purpose="Keep one source from taking all times, sending codes to strangers or guessing links",
    basis="Art. 6(1)(f), 32 GDPR",
    recipients=("the operator",),
    retention=Retention.EPHEMERAL,
    duration="one hour",
    subjects=("visitors of the booking pages",),
    source="the connection",
)
