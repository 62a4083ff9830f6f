"""Staff: accounts, memberships of clinics with a role, practitioners."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.declare import PLATFORM, audited
from bookings.models.activities import RUNNING, STAFF
from bookings.models.places import Clinic
from bookings.models.schedules import Schedule


@audited(
    chain=PLATFORM,
    subject="self",
    use=STAFF,
    digest=("password",),
    identity="username first_name last_name",
    contact="email",
    credential="password",
    technical="id is_staff is_superuser is_active last_login date_joined language",
)
class User(AbstractUser):
    """An account. Staff have `is_staff`; a patient's account, when there is one, has neither e-mail nor name."""

    language = models.CharField(_("language"), max_length=5, blank=True)

    class Meta(AbstractUser.Meta):
        verbose_name = _("user")  # type: ignore[assignment]  # the stubs know plain strings only
        verbose_name_plural = _("users")  # type: ignore[assignment]


class Role(models.TextChoices):
    """What a member of staff is in a clinic; each is also the name of a permission group."""

    RECEPTION = "reception", _("reception")
    PRACTITIONER = "practitioner", _("practitioner")
    MANAGER = "manager", _("manager")
    DPO = "dpo", _("data protection officer")
    AUDITOR = "auditor", _("auditor")


@audited(chain="clinic_id", subject="user", use=STAFF, technical="id clinic created", identity="user role")
class StaffMembership(models.Model):
    """A member of staff in one clinic, with one role there."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships", verbose_name=_("user"))
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="memberships", verbose_name=_("clinic"))
    role = models.CharField(_("role"), max_length=12, choices=Role.choices)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        ordering = ("clinic_id", "role")
        verbose_name = _("staff member")
        verbose_name_plural = _("staff members")
        constraints = [models.UniqueConstraint(fields=["user", "clinic", "role"], name="staff_role_once_per_clinic")]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"


@audited(
    chain="clinic_id",
    subject="user",
    use=RUNNING,
    technical="id clinic schedule user active created updated",
    identity="name title",
    schedule="languages video_link",
)
class Practitioner(models.Model):
    """Somebody who sees patients (FHIR Practitioner)."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="practitioners", verbose_name=_("clinic"))
    schedule = models.OneToOneField(Schedule, models.PROTECT, related_name="practitioner", editable=False)
    user = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="practitioners", verbose_name=_("account")
    )
    title = models.CharField(_("title"), max_length=40, blank=True)
    name = models.CharField(_("name"), max_length=120)
    languages = models.CharField(
        _("languages spoken"), max_length=60, blank=True, help_text=_("Codes with spaces, such as fr en de.")
    )
    video_link = models.URLField(
        _("video room"),
        blank=True,
        db_default="",
        help_text=_("Patients of video visits see this address once their contact is verified."),
    )
    active = models.BooleanField(_("active"), default=True)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        ordering = ("name",)
        verbose_name = _("practitioner")
        verbose_name_plural = _("practitioners")

    def __str__(self) -> str:
        return f"{self.title} {self.name}".strip()


@audited(chain="clinic_id", use=RUNNING, technical="id clinic practitioner location appointment system value created")
class Identifier(models.Model):
    """What another system calls a practitioner, a location or an appointment (FHIR Identifier). A patient's are
    `PatientIdentifier`."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="identifiers")
    practitioner = models.ForeignKey(Practitioner, models.CASCADE, null=True, blank=True, related_name="identifiers")
    location = models.ForeignKey("bookings.Location", models.CASCADE, null=True, blank=True, related_name="identifiers")
    appointment = models.ForeignKey(
        "bookings.Appointment", models.CASCADE, null=True, blank=True, related_name="identifiers"
    )
    system = models.CharField(
        _("system"), max_length=200, help_text=_("A URI that names the system which gave the value.")
    )
    value = models.CharField(_("value"), max_length=200)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("identifier")
        verbose_name_plural = _("identifiers")
        constraints = [
            models.UniqueConstraint(fields=["clinic", "system", "value"], name="identifier_once_per_system"),
            models.CheckConstraint(
                condition=(
                    Q(practitioner__isnull=False, location__isnull=True, appointment__isnull=True)
                    | Q(practitioner__isnull=True, location__isnull=False, appointment__isnull=True)
                    | Q(practitioner__isnull=True, location__isnull=True, appointment__isnull=False)
                ),
                name="identifier_of_one_thing",
                violation_error_message=_("An identifier belongs to exactly one thing."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.system}|{self.value}"
