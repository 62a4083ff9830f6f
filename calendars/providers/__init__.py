"""One port for all calendars, and what can go wrong behind it.

An adapter translates its protocol into these few words; everything else (when to try again, whom to tell, what to
believe) is decided once, by `calendars.push`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class CalendarError(Exception):
    """The calendar did not do what was asked. The class says why; no text of the server is kept.

    `permanent` says that trying again would end the same way; `whole` that no event of this calendar could be written;
    `sentence` tells staff what to do.
    """

    permanent: ClassVar[bool] = False
    whole: ClassVar[bool] = True
    sentence: ClassVar[str | Promise]
    retry_after: timedelta | None = None


class Unreachable(CalendarError):
    """No answer: the host is gone, slow, or breaks off."""

    sentence = _("The calendar does not answer. It is tried again by itself.")


class Overloaded(CalendarError):
    """The server asks us to come back later (429, 503 and other 5xx)."""

    sentence = _("The calendar's server is overloaded or broken. It is tried again by itself.")

    def __init__(self, *, retry_after: timedelta | None = None) -> None:
        super().__init__()
        self.retry_after = retry_after


class LoginRefused(CalendarError):
    """The server does not accept user name and password, or they are gone."""

    permanent = True
    sentence = _("The calendar refuses user name or password. Enter a new app password.")


class NotAllowed(CalendarError):
    """This account may not write there."""

    permanent = True
    sentence = _("This account may not write to the calendar. Give it the right, or use another one.")


class HostNotDeclared(NotAllowed):
    """The address lies outside the declared list of hosts; nothing was sent."""

    sentence = _("The calendar's host is not on the declared list. Ask whoever runs this installation to declare it.")


class CalendarMissing(CalendarError):
    """There is no calendar at this address."""

    permanent = True
    sentence = _("There is no calendar at this address. Check it, or make the calendar first.")


class NotACalendar(CalendarError):
    """Something answers at this address, but not as a calendar: another page, a redirect, an answer too long."""

    permanent = True
    sentence = _("What answers at this address is not a calendar. Check the address.")


class Contended(CalendarError):
    """Somebody else keeps changing this event; the next try reads it again."""

    whole = False
    sentence = _("Something else keeps changing the entry in the calendar. It is tried again by itself.")


class EventRefused(CalendarError):
    """The server will not have this event (it says it exists elsewhere, or is wrong)."""

    permanent = True
    whole = False
    sentence = _("The calendar refuses the entry. Look whether it was moved there by hand.")


class GivenUp(CalendarError):
    """Somebody keeps deleting this event: it is not written again without a person's word."""

    permanent = True
    whole = False
    sentence = _("The entry was deleted in the calendar again and again. It is not written any more.")


ERRORS: tuple[type[CalendarError], ...] = (
    Unreachable,
    Overloaded,
    LoginRefused,
    NotAllowed,
    HostNotDeclared,
    CalendarMissing,
    NotACalendar,
    Contended,
    EventRefused,
    GivenUp,
)


def sentence_of(name: str) -> str:
    """What to tell staff about a stored class name; "" for an empty one."""
    return next((str(error.sentence) for error in ERRORS if error.__name__ == name), name)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is written to a calendar, whole: there is no field for a name, a title or a guest."""

    uid: str
    href: str
    start: datetime
    end: datetime
    sequence: int
    link: str
    key: str
    """Tells our entries from copies of them made elsewhere: an HMAC of the uid under a secret of the clinic."""


@dataclass(frozen=True, slots=True)
class Written:
    """The answer to a write: the version now there ("" when the server names none), and whether it had been missing."""

    etag: str
    was_missing: bool = False


class Calendar(Protocol):
    """One collection, open for the length of a `with` block."""

    def __enter__(self) -> "Calendar": ...

    def __exit__(self, *error: object) -> None: ...

    def check(self) -> None:
        """Raise CalendarError unless a calendar answers there and lets us write."""

    def put(self, entry: Entry, *, etag: str, now: datetime, may_recreate: bool) -> Written:
        """Make the calendar hold exactly this entry; ours wins. Idempotent on `entry.href`.

        `etag` is the version we wrote last, "" when we know of none. Raises GivenUp when it was written before, is
        missing now and may not be written again.
        """

    def delete(self, *, href: str) -> None:
        """Make sure the entry is not there; one that is gone already is fine."""
