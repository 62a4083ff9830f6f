"""Words of declarations that patients read: why their data are held, by what right, from whom, for how long, by whom.

The declarations are written for the records of processing, in English; a patient reads them in their own language. Each
sentence is named here once, so that it is translated; a test fails when a declaration about patients says something
that is not.
"""

from typing import Final

from django.utils.translation import gettext, gettext_noop

WORDS: Final = frozenset(
    {
        # what for
        gettext_noop("Book, change, remind of and keep appointments with patients"),
        gettext_noop("Show which privacy notice a person was shown, and when"),
        gettext_noop("Do what a patient agreed to, show what they agreed to, and stop when they take it back"),
        gettext_noop("Let a patient sign in again without a code each time"),
        gettext_noop("Erase a person's data on request and show that it was done"),
        gettext_noop(
            "Confirm, move, cancel and remind of appointments, invite to them, send the codes that prove a contact, "
            "and say that a request about data was answered"
        ),
        gettext_noop("Show a practitioner when they have an appointment, as “Busy” and nothing else"),
        # the activity
        gettext_noop("Booking and keeping appointments"),
        gettext_noop("Proof of information given"),
        gettext_noop("Consents"),
        gettext_noop("Patients' accounts"),
        gettext_noop("Answering requests of data subjects"),
        gettext_noop("Messages about appointments"),
        gettext_noop("Busy time in practitioners' own calendars"),
        # for how long
        gettext_noop(
            "12 months after the appointment, longer only where the clinic declares it part of the medical record"
        ),
        gettext_noop("24 months after the last appointment"),
        gettext_noop("24 months after the appointment"),
        gettext_noop("while the consent stands, then 36 months"),
        gettext_noop("until the account is closed or its data are erased"),
        gettext_noop("until claims about the request lapse, by default 36 months"),
        # from whom, to whom
        gettext_noop("clinic staff"),
        gettext_noop("the calendar provider the clinic chose"),
        gettext_noop("the practitioner"),
        gettext_noop("data protection officer"),
        gettext_noop("supervisory authority"),
        gettext_noop("supervisory authority on request"),
        gettext_noop("the appointment"),
        gettext_noop("the booking pages"),
        gettext_noop("the data subject"),
        gettext_noop("the mail provider (processor)"),
        gettext_noop("the patient"),
        gettext_noop("the patient, or the person who acts for the patient"),
        gettext_noop("the patient, or the person who booked for the patient"),
        gettext_noop("the person who booked for the patient"),
        gettext_noop("the request"),
        gettext_noop("whoever is invited to the appointment"),
    }
)


def told(words: str) -> str:
    """A declaration's words in the reader's language; as they stand where nobody translated them."""
    return gettext(words) if words in WORDS else words
