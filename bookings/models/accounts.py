"""Patients' accounts: a contact at one clinic that can be signed in with."""

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.declare import audited, exempt
from audit.sealed import SealedTextField
from bookings.models.activities import ACCOUNTS
from bookings.models.people import User
from bookings.models.places import Clinic
from bookings.models.words import languages


@audited(
    chain="clinic_id",
    subject="user",
    use=ACCOUNTS,
    technical="id clinic user key_id language created",
    contact="contact",
)
class PatientAccount(models.Model):
    """An address at one clinic, and the account that signs in with it. Whom it reaches is asked anew each time (see
    `bookings.reach`): the account itself gives nobody a right to anything.

    Its User has neither e-mail nor name nor password; passkeys and authenticator apps hang on that.
    """

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="accounts", verbose_name=_("clinic"))
    user = models.OneToOneField(User, models.CASCADE, related_name="patient_account", verbose_name=_("user"))
    key_id = models.UUIDField(unique=True, editable=False)
    contact = SealedTextField(_("e-mail"), max_length=254)
    language = models.CharField(_("language"), max_length=5, choices=languages, default="en")
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("patient’s account")
        verbose_name_plural = _("patients’ accounts")

    def __str__(self) -> str:
        return f"account {self.pk}"

    def sealing_key_id(self) -> uuid.UUID:
        """The account's own key."""
        return self.key_id


@exempt(
    "a keyed token of the account's address; a record of it would confirm guesses after erasure",
    subject="account__user",
    use=ACCOUNTS,
    technical="account clinic",
    contact="token",
)
class AccountIndex(models.Model):
    """The keyed token by which an account is found from its address."""

    account = models.OneToOneField(PatientAccount, models.CASCADE, primary_key=True, related_name="index")
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+")
    token = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["clinic", "token"], name="account_once_per_address")]

    def __str__(self) -> str:
        return f"index of {self.account_id}"
