"""Who may do what, where: a role is a Django group, and a membership gives its permissions in one clinic only.

Somebody may be reception in one clinic and manager in another. `access_of` answers for each clinic apart; nothing here
ever adds up what a person holds in different clinics.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.apps import AppConfig
from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import DEFAULT_DB_ALIAS, router

from audit.context import Actor, acting, use
from bookings.models import Role, StaffMembership, User

#: Apps whose permissions roles may hold.
HOUSE: Final = ("bookings", "audit", "calendars", "notifications")

#: Permissions beyond Django's add, change, delete and view: codename -> (app, model, what it says).
EXTRA: Final = {
    "visit_appointment": ("bookings", "appointment", "Can record arrival, being seen and the outcome"),
    "cancel_appointment": ("bookings", "appointment", "Can cancel an appointment for the clinic"),
    "move_appointment": ("bookings", "appointment", "Can move an appointment to another time"),
    "answer_appointment": ("bookings", "appointment", "Can answer requests for an appointment"),
    "overbook_appointment": ("bookings", "appointment", "Can squeeze an appointment in where time is taken"),
    "withdraw_appointment": ("bookings", "appointment", "Can mark an appointment as entered in error"),
    "answer_datarequest": ("bookings", "datarequest", "Can read and answer requests about data"),
    "erase_patient": ("bookings", "patient", "Can erase a patient's data"),
    "acknowledge_record": ("audit", "record", "Can acknowledge a finding of the audit"),
    "resend_message": ("notifications", "message", "Can send a message once more"),
}

_SETTING = (
    "clinic location room device practitioner schedule openinghours closure healthcareservice servicetext "
    "servicepractitioner serviceterms groupsession privacynotice identifier "
    "question questiontext clinictext locationtext consenttext"
).split()
_PATIENT = "patient relatedperson patientidentifier participant".split()
_ELSEWHERE = ("notifications.view_message", "calendars.view_calendarconnection")
_EVIDENCE = ("audit.view_record", "audit.view_segment", "audit.view_verification", "audit.view_parkedrecord")


def _each(verbs: str, *models: str) -> frozenset[str]:
    return frozenset(f"bookings.{verb}_{model}" for verb in verbs.split() for model in models)


#: Read by whoever may read the appointment or the patient; an answer is written by no member of staff.
_SAID = "answer consent".split()
_LOOK = _each("view", *_SETTING, "notice", "noticeshown", "contactchallenge", "appointment", *_PATIENT, *_SAID) | {
    *_ELSEWHERE
}
_VISIT = frozenset(
    {
        "bookings.visit_appointment",
        "bookings.cancel_appointment",
        "bookings.move_appointment",
        "bookings.answer_appointment",
    }
) | _each("change", "notice")
_DESK = (
    _LOOK
    | _VISIT
    | _each("add change", *_PATIENT)
    | _each("add", "appointment")
    | _each("add change", "groupsession")
    | _each("delete", "relatedperson", "patientidentifier")
    | _each("add change", "consent")
    # That a request about data is there, and when it is due: patients ask the desk how far it is. Their words stay with
    # the data protection officer, since they may be about the very person at the desk.
    | _each("view", "datarequest")
    | _each("view change", "possibleduplicate")
    | {"bookings.withdraw_appointment", "bookings.overbook_appointment", "notifications.resend_message"}
)

PERMISSIONS: Final[Mapping[str, frozenset[str]]] = {
    Role.RECEPTION: _DESK,
    Role.PRACTITIONER: _LOOK | _VISIT,
    Role.MANAGER: _DESK
    | _each("change", "clinic")
    | _each("add change", "location", "room", "device", "practitioner", "healthcareservice")
    | _each("add change delete", "openinghours", "closure", "servicetext", "servicepractitioner", "serviceterms")
    | _each("add change delete", "identifier", "question", "questiontext", "clinictext", "locationtext")
    | _each("add", "privacynotice", "consenttext")
    | _each("view add change delete", "staffmembership")
    | _each("view", "user")
    | {"calendars.add_calendarconnection", "calendars.change_calendarconnection"},
    Role.DPO: _LOOK
    | _each("view", "staffmembership", "user")
    | _each("add", "privacynotice", "consenttext")
    | _each("view answer", "datarequest")
    | {*_EVIDENCE, "audit.acknowledge_record", "bookings.erase_patient"},
    Role.AUDITOR: _each("view", *_SETTING, "staffmembership", "user") | {*_EVIDENCE},
}
"""Role -> permissions (`app.codename`). The groups of these names are set to exactly this after every migration."""

#: What a superuser may not see without a membership: everything about a patient.
ABOUT_PATIENTS: Final = frozenset(
    {
        "patient",
        "relatedperson",
        "patientidentifier",
        "participant",
        "noticeshown",
        "appointment",
        "contactchallenge",
        "message",
        "datarequest",
        "possibleduplicate",
        "answer",
        "consent",
    }
)


@dataclass(frozen=True)
class Access:
    """What one account may do in each clinic. `operator` is a superuser: the settings of all clinics, no patient."""

    roles: Mapping[int, frozenset[str]]
    """Clinic id -> roles held there."""
    permissions: Mapping[str, frozenset[str]]
    """Role -> permissions of its group."""
    operator: bool

    @cached_property
    def _held(self) -> Mapping[str, frozenset[int]]:
        held: dict[str, set[int]] = {}
        for clinic_id, roles in self.roles.items():
            for role in roles:
                for permission in self.permissions.get(role, ()):
                    held.setdefault(permission, set()).add(clinic_id)
        return {permission: frozenset(clinics) for permission, clinics in held.items()}

    def everywhere(self, permission: str) -> bool:
        """Whether the permission holds without any membership: an operator's, and not about patients."""
        return self.operator and permission.partition(".")[2].partition("_")[2] not in ABOUT_PATIENTS

    def clinics(self, *permissions: str) -> frozenset[int]:
        """Clinics in which at least one of the permissions is held by membership."""
        return frozenset().union(*(self._held.get(permission, frozenset()) for permission in permissions))

    def may(self, permission: str, *, clinic_id: int | None = None) -> bool:
        """Whether the permission holds in that clinic, or (None) anywhere at all."""
        if self.everywhere(permission):
            return True
        held = self._held.get(permission, frozenset())
        return bool(held) if clinic_id is None else clinic_id in held

    @property
    def enters(self) -> bool:
        """Whether the account has any business in the admin."""
        return self.operator or bool(self.roles)


NOBODY: Final = Access(roles={}, permissions={}, operator=False)


def access_of(user: User | AnonymousUser) -> Access:
    """What this account may do; an inactive one nothing. Two queries, kept on the instance while the request lasts."""
    if isinstance(user, AnonymousUser) or not (user.is_active and user.is_staff):
        return NOBODY
    kept: Access | None = user.__dict__.get("_access")
    if kept is None:
        kept = user.__dict__["_access"] = _load(user)
    return kept


def staff_actor(*, user: User, clinic_id: int | None = None) -> Actor:
    """The account as an actor, with the roles it holds in that clinic; what it is elsewhere is nobody's business."""
    access = access_of(user)
    roles = set(access.roles.get(clinic_id, ())) if clinic_id is not None else set()
    return Actor(
        kind="staff",
        id=str(user.pk),
        label=user.get_username(),
        roles=tuple(sorted(roles | ({"operator"} if access.operator else set()))),
    )


def _load(user: User) -> Access:
    roles: dict[int, set[str]] = {}
    for clinic_id, role in StaffMembership.objects.filter(user=user).values_list("clinic_id", "role"):
        roles.setdefault(clinic_id, set()).add(role)
    names = {role for held in roles.values() for role in held}
    permissions: dict[str, set[str]] = {}
    if names:
        rows = Permission.objects.filter(group__name__in=names).values_list(
            "group__name", "content_type__app_label", "codename"
        )
        for name, app_label, codename in rows:
            permissions.setdefault(name, set()).add(f"{app_label}.{codename}")
    return Access(
        roles={clinic_id: frozenset(held) for clinic_id, held in roles.items()},
        permissions={name: frozenset(held) for name, held in permissions.items()},
        operator=user.is_superuser,
    )


def keep_groups(sender: AppConfig, using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """After every migration: one group per role, with exactly the permissions of PERMISSIONS.

    Receiver of `post_migrate`. Runs as the system in a use of its own, so that these writes are meant.
    """
    if not router.allow_migrate_model(using, Group):
        return
    for app_label in HOUSE:
        create_permissions(installed.get_app_config(app_label), verbosity=0, interactive=False, using=using)
    _extra_permissions(using)
    known = {
        f"{app_label}.{codename}": pk
        for pk, app_label, codename in Permission.objects.using(using)
        .filter(content_type__app_label__in=HOUSE)
        .values_list("pk", "content_type__app_label", "codename")
    }
    with acting(actor=Actor.system("migrate"), client="command"), use("roles.keep", operation="update"):
        for role, permissions in PERMISSIONS.items():
            group, _made = Group.objects.using(using).get_or_create(name=role)
            group.permissions.set(_ids(permissions, known))


def _ids(permissions: Collection[str], known: Mapping[str, int]) -> list[int]:
    missing = sorted(set(permissions) - set(known))
    if missing:
        raise LookupError(f"roles name permissions that no model has: {', '.join(missing)}")
    return [known[permission] for permission in permissions]


def _extra_permissions(using: str) -> None:
    for codename, (app_label, model, name) in EXTRA.items():
        content_type = ContentType.objects.db_manager(using).get_by_natural_key(app_label, model)
        Permission.objects.using(using).get_or_create(
            content_type=content_type, codename=codename, defaults={"name": name}
        )
