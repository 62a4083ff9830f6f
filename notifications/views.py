"""Pages of the demo's mailbox: what patients would find in theirs."""

from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bookings.views.rendering import page
from notifications import mailbox


@never_cache
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """The latest mail, newest first."""
    return page(request, "notifications/mailbox/inbox.html", mails=mailbox.newest(_folder()))


@never_cache
@require_safe
def letter(request: HttpRequest, mail_id: str) -> HttpResponse:
    """One mail's plain text, its links clickable."""
    mail = mailbox.one(_folder(), mail_id=mail_id)
    if mail is None:
        raise Http404
    return page(request, "notifications/mailbox/letter.html", mail=mail)


def _folder() -> Path:
    """Where mail lands. Raises Http404 outside the demo, or when mail goes to a real server."""
    if not settings.DEMO or not settings.EMAIL_FILE_PATH:
        raise Http404
    return Path(settings.EMAIL_FILE_PATH)
