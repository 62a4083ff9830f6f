"""An authenticator app (TOTP, RFC 6238) beside the code by e-mail: set up, shown, removed. A code works once.

The seed and the reckoning are allauth's, sealed by our adapter. What was tried and used is counted in the database, so
that every process of the house knows it.
"""

import base64
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.db import transaction
from django.db.models import Sum
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from audit.chains import chain_of_clinic
from audit.context import Actor, note, use_case
from bookings.locks import lock
from bookings.models import PatientAccount, SourceCount, User
from bookings.refusals import Refusal

TRIES: Final = 5
CLOSED: Final = timedelta(minutes=15)
#: Steps of 30 seconds before and after now in which a code counts: phones' clocks go wrong, and people type slowly.
TOLERANCE: Final = 1
_TRIED: Final = "app-tried"
_SHUT: Final = "app-shut"
_USED: Final = "app-used"


class WrongAppCode(Refusal):
    """The code is not the one the app shows now, or it was used already."""

    message = _("This is not the code the app shows now. Wait for the next one and try again.")


class TooManyTries(Refusal):
    """Five wrong codes: no more for a quarter of an hour, not even the right one."""

    message = _("Too many wrong codes. Wait 15 minutes, then try again.")


class NoApp(Refusal):
    """The account has no authenticator app."""

    message = _("No authenticator app is set up for this account.")


@dataclass(frozen=True, slots=True)
class Setup:
    """A seed as it is carried into the app: typed in groups of four, or read as a picture (a `data:` address)."""

    secret: str = field(repr=False)
    picture: str = field(repr=False)


def has_app(*, account: PatientAccount) -> bool:
    """Whether a code by e-mail alone does not open this account."""
    return bool(Authenticator.objects.filter(user=account.user_id, type=Authenticator.Type.TOTP).exists())


def new_seed() -> str:
    """A new seed, sealed: what a session may keep until the app has it."""
    return str(get_adapter().encrypt(generate_totp_secret()))


def setup_of(*, user: User, sealed: str) -> Setup:
    """What the person is shown to set up the app with a sealed seed. Raises audit.sealed.SealBroken."""
    adapter = get_adapter()
    secret = adapter.decrypt(sealed)
    drawn = adapter.build_totp_svg(adapter.build_totp_url(user, secret))
    groups = (secret[start : start + 4] for start in range(0, len(secret), 4))
    return Setup(" ".join(groups), f"data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}")


def add_app(*, actor: Actor, now: datetime, account: PatientAccount, sealed: str, code: str) -> None:
    """Ask for the app at every sign-in from now on, once its first code was typed. Again changes nothing.

    Raises WrongAppCode, TooManyTries, audit.sealed.SealBroken.
    """
    with transaction.atomic(durable=True):
        refusal = _add(actor=actor, now=now, account=account, sealed=sealed, code=code)
    if refusal is not None:
        raise refusal


def check(*, actor: Actor, now: datetime, account: PatientAccount, code: str) -> None:
    """Check a code of the app. Raises NoApp, WrongAppCode (counted), TooManyTries."""
    with transaction.atomic(durable=True):
        refusal = _check(actor=actor, now=now, account=account, code=code)
    if refusal is not None:
        raise refusal


def remove_app(*, actor: Actor, now: datetime, account: PatientAccount, code: str) -> None:
    """Take the app away from the account, after one more code of it. Raises what `check` raises."""
    with transaction.atomic(durable=True):
        refusal = _remove(actor=actor, now=now, account=account, code=code)
    if refusal is not None:
        raise refusal


@use_case("account.add-app", operation="create")
def _add(*, actor: Actor, now: datetime, account: PatientAccount, sealed: str, code: str) -> Refusal | None:
    lock(contact=account.index.token)
    if has_app(account=account):
        return None
    refusal = _tried(now=now, account=account, secret=get_adapter().decrypt(sealed), code=code)
    if refusal is None:
        TOTP.activate(account.user, get_adapter().decrypt(sealed))
    return refusal


@use_case("account.check-app", operation="confirm")
def _check(*, actor: Actor, now: datetime, account: PatientAccount, code: str) -> Refusal | None:
    lock(contact=account.index.token)
    app = _app_of(account)
    if app is None:
        return NoApp()
    refusal = _tried(now=now, account=account, secret=get_adapter().decrypt(app.data["secret"]), code=code)
    if refusal is None:
        app.last_used_at = now
        app.save(update_fields=["last_used_at"])
    return refusal


@use_case("account.remove-app", operation="delete")
def _remove(*, actor: Actor, now: datetime, account: PatientAccount, code: str) -> Refusal | None:
    lock(contact=account.index.token)
    app = _app_of(account)
    if app is None:
        return NoApp()
    refusal = _tried(now=now, account=account, secret=get_adapter().decrypt(app.data["secret"]), code=code)
    if refusal is None:
        app.delete()
    return refusal


def _app_of(account: PatientAccount) -> Authenticator | None:
    return Authenticator.objects.filter(user=account.user_id, type=Authenticator.Type.TOTP).first()


def _tried(*, now: datetime, account: PatientAccount, secret: str, code: str) -> Refusal | None:
    """Count one try; None when the code is right and was never used. The account is locked."""
    source = salted_hmac("horae.second-factor", str(account.pk), algorithm="sha256").hexdigest()[:32]
    counts = SourceCount.objects.filter(source=source)
    if counts.filter(what=_SHUT, minute__gt=now - CLOSED).exists():
        return TooManyTries()
    step = _step_of(secret, code=code, now=now)
    # The step is kept for longer than its code lives, and swept with the other counts.
    if step is not None and counts.get_or_create(source=source, what=_USED, minute=step)[1]:
        counts.filter(what=_TRIED).delete()
        return None
    minute, made = counts.get_or_create(source=source, what=_TRIED, minute=now.replace(second=0, microsecond=0))
    SourceCount.objects.filter(pk=minute.pk).update(count=1 if made else minute.count + 1)
    tries = counts.filter(what=_TRIED).aggregate(tries=Sum("count"))["tries"]
    if tries < TRIES:
        return WrongAppCode()
    counts.filter(what=_TRIED).delete()
    SourceCount.objects.create(source=source, what=_SHUT, minute=now, count=tries)
    note(chain=chain_of_clinic(account.clinic_id), event="second-factor-shut", data={"account": account.pk})
    return TooManyTries()


def _step_of(secret: str, *, code: str, now: datetime) -> datetime | None:
    """When the 30 seconds begin in which the app shows this code; None for a code that it does not show about now."""
    period = app_settings.TOTP_PERIOD
    current = int(now.timestamp()) // period
    for counter in range(current - TOLERANCE, current + TOLERANCE + 1):
        shown = format_hotp_value(hotp_value(secret, counter))
        if hmac.compare_digest(shown.encode(), code.encode()):
            return datetime.fromtimestamp(counter * period, UTC)
    return None
