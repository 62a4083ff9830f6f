"""Handing one rendered message to the mail server that EMAIL_URL names."""

from email.utils import parseaddr, quote
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from notifications.rendering import Rendered


class NotHandedOver(Exception):
    """The mail server did not take the message. The message of this error is a class name: it never names a person.

    `permanent` says that trying again would end the same way.
    """

    def __init__(self, error: Exception, *, permanent: bool) -> None:
        super().__init__(type(error).__name__)
        self.permanent = permanent


def hand_over(rendered: Rendered, *, message_id: UUID) -> None:
    """Send `rendered` as text and HTML; the Message-ID is the row's, so a copy sent after a crash is the same message.

    Waits at most EMAIL_TIMEOUT seconds per step. Raises NotHandedOver.
    """
    mail = _compose(rendered, message_id=message_id)
    try:
        mail.message()  # an address or a header no mail can carry fails here, before anybody is called
    except ValueError as error:
        raise NotHandedOver(error, permanent=True) from None
    try:
        mail.send()
    except (SMTPException, OSError) as error:
        raise NotHandedOver(error, permanent=_refused_for_good(error)) from None


def _compose(rendered: Rendered, *, message_id: UUID) -> EmailMultiAlternatives:
    address = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    name = quote(" ".join(rendered.sender.split()))
    mail = EmailMultiAlternatives(
        subject=rendered.subject,
        body=rendered.text,
        from_email=f'"{name}" <{address}>',
        to=[rendered.to],
        headers={
            "Message-ID": f"<{message_id}@{urlsplit(settings.BASE_URL).hostname}>",
            "Auto-Submitted": "auto-generated",  # RFC 3834: no machine answers it
        },
    )
    mail.attach_alternative(rendered.html, "text/html")
    for number, calendar in enumerate(rendered.calendars, start=1):
        name = "appointment.ics" if len(rendered.calendars) == 1 else f"appointment-{number}.ics"
        mail.attach(name, calendar.decode(), "text/calendar")
    return mail


def _refused_for_good(error: Exception) -> bool:
    """Whether the server refused this recipient or this content with 5xx (RFC 5321 4.2.1).

    Refusals of us (login, sender, greeting) are ours to mend: the message waits for it.
    """
    if isinstance(error, SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _reply in error.recipients.values())
    return isinstance(error, SMTPDataError) and 500 <= error.smtp_code < 600
