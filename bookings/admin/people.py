"""Practitioners, members of staff, accounts."""

from typing import Any, cast

from allauth.account.forms import ResetPasswordForm
from allauth.core.context import request_context
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from bookings import staff
from bookings.admin.confined import ConfinedAdmin
from bookings.admin.contradicted import Contradicted
from bookings.admin.forms import ConfinedForm
from bookings.admin.hours import OpeningHoursInline
from bookings.models import Practitioner, Role, Schedule, StaffMembership, User
from bookings.roles import staff_actor


@admin.register(Practitioner)
class PractitionerAdmin(Contradicted[Practitioner]):
    """Somebody who sees patients, with their hours. Making one makes their schedule. Who leaves is set inactive."""

    list_display = ("name", "title", "languages", "user", "active")
    list_filter = ("active",)
    list_select_related = ("user",)
    search_fields = ("name",)
    fields = ("clinic", "title", "name", "languages", "video_link", "user", "active")
    inlines = (OpeningHoursInline,)

    def save_model(self, request: HttpRequest, obj: Practitioner, form: Any, change: bool) -> None:
        if not change:
            obj.schedule = Schedule.objects.create(clinic=obj.clinic, kind=Schedule.Kind.PRACTITIONER)
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Practitioner | None = None) -> bool:
        return False


class JoiningForm(ConfinedForm[StaffMembership]):
    """A person by e-mail address: whether they already had an account makes no difference one can see."""

    email = forms.EmailField(label=_("E-mail"), help_text=_("The person signs in with it."))
    first_name = forms.CharField(label=_("First name"), max_length=150, required=False)
    last_name = forms.CharField(label=_("Last name"), max_length=150, required=False)

    class Meta:
        model = StaffMembership
        fields = ("clinic", "role")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        clinic, email, role = cleaned.get("clinic"), cleaned.get("email"), cleaned.get("role")
        if clinic and email and role:
            there = StaffMembership.objects.filter(clinic=clinic, role=role, user__email__iexact=email)
            if there.exists():
                self.add_error("role", _("This person already has this role."))
        return cleaned


@admin.register(StaffMembership)
class StaffMembershipAdmin(ConfinedAdmin[StaffMembership]):
    """Who works here, and as what. Whoever leaves loses the role the same day: delete it here."""

    list_display = ("person", "user", "role", "created")
    list_display_links = ("person",)
    list_filter = ("role",)
    list_select_related = ("user",)
    search_fields = ("user__last_name", "user__first_name", "user__email", "user__username")
    ordering = ("user__last_name", "user__first_name", "pk")
    fields = ("clinic", "user", "role")
    actions = ("send_password_link",)

    def get_form(
        self, request: HttpRequest, obj: StaffMembership | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs["form"] = JoiningForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: StaffMembership | None = None) -> list[Any]:
        if obj is None:
            return ["clinic", "email", "first_name", "last_name", "role"]
        return list(super().get_fields(request, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: StaffMembership | None = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), *(["user"] if obj else [])]

    @admin.display(description=_("name"), ordering="user__last_name")
    def person(self, membership: StaffMembership) -> str:
        """The person's full name, or what they sign in as."""
        return membership.user.get_full_name() or membership.user.get_username()

    def save_model(self, request: HttpRequest, obj: StaffMembership, form: Any, change: bool) -> None:
        actor = staff_actor(user=cast(User, request.user), clinic_id=obj.clinic_id)
        if change:
            staff._change_role(actor=actor, membership=obj, role=obj.role)
            return
        typed = form.cleaned_data
        user = staff._account(
            actor=actor, email=typed["email"], first_name=typed["first_name"], last_name=typed["last_name"]
        )
        joined = staff._join(actor=actor, clinic=obj.clinic, user=user, role=obj.role)
        obj.pk, obj.user, obj._state.adding = joined.pk, user, False
        if not user.has_usable_password():
            transaction.on_commit(lambda: _send_link(request, user.email), robust=True)

    def delete_model(self, request: HttpRequest, obj: StaffMembership) -> None:
        staff._leave(actor=staff_actor(user=cast(User, request.user), clinic_id=obj.clinic_id), membership=obj)

    @admin.action(description=_("Send a link to set a password"), permissions=["change"])
    def send_password_link(self, request: HttpRequest, queryset: QuerySet[StaffMembership]) -> None:
        """Mail each person chosen a link, as “Forgotten your password?” does."""
        for membership in queryset.select_related("user"):
            if not self.has_change_permission(request, membership):
                continue
            if membership.user.email and _send_link(request, membership.user.email):
                self.message_user(
                    request, _("A link was sent to %(who)s.") % {"who": membership.user}, messages.SUCCESS
                )
            else:
                said = _("No link could be sent to %(who)s: check the e-mail address.") % {"who": membership.user}
                self.message_user(request, said, messages.ERROR)


def _send_link(request: HttpRequest, address: str) -> bool:
    """Have allauth mail a link that sets the password; False when the address is none, or mail cannot go out now."""
    form = ResetPasswordForm(data={"email": address})
    if not form.is_valid():
        return False
    try:
        with request_context(request):  # after the commit allauth no longer knows the request by itself
            form.save(request)
    except OSError:  # what smtplib raises, too
        return False
    return True


@admin.register(User)
class UserAdmin(ConfinedAdmin[User], DjangoUserAdmin[User]):
    """Accounts. Only whoever runs the installation changes them; a clinic gives and takes roles in "staff members"."""

    clinic_path = "memberships__clinic"
    form = cast(Any, UserChangeForm)
    list_display = ("username", "email", "first_name", "last_name", "is_active", "last_login")
    list_filter = ("is_active",)
    search_fields = ("username", "first_name", "last_name", "email")
    filter_horizontal = ()
    ordering = ("username",)
    readonly_fields = ("last_login", "date_joined", "roles_here")
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email", "language")}),
        (_("What the account may do"), {"fields": ("is_active", "is_staff", "is_superuser", "roles_here")}),
        (_("When"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "fields": (
                    "username",
                    "email",
                    "first_name",
                    "last_name",
                    "is_staff",
                    "usable_password",
                    "password1",
                    "password2",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows = User._default_manager.all().order_by("username")
        access = self.access(request)
        if access.everywhere("bookings.view_user"):
            return rows
        theirs = StaffMembership.objects.filter(clinic__in=access.clinics("bookings.view_user"))
        return rows.filter(pk__in=theirs.values("user"))

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """A clinic is told who somebody is and what they may do *there*; the rest is the installation's."""
        if self.access(request).operator:
            return super().get_fieldsets(request, obj)
        return ((None, {"fields": ("username", "first_name", "last_name", "email", "roles_here")}),)

    def get_list_display(self, request: HttpRequest) -> Any:
        return self.list_display if self.access(request).operator else ("username", "email", "first_name", "last_name")

    def get_list_filter(self, request: HttpRequest) -> Any:
        return self.list_filter if self.access(request).operator else ()

    @admin.display(description=_("roles"))
    def roles_here(self, user: User) -> str:
        """The roles held in clinics the reader may know of; filled in for each reader by `get_object`."""
        return str(getattr(user, "_roles_here", "")) or self.get_empty_value_display()

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> User | None:
        user = super().get_object(request, object_id, from_field)
        if user is not None:
            access = self.access(request)
            held = StaffMembership.objects.filter(user=user).select_related("clinic").order_by("clinic__name", "role")
            if not access.everywhere("bookings.view_user"):
                held = held.filter(clinic__in=access.clinics("bookings.view_user"))
            named = [f"{Role(row.role).label} ({row.clinic})" for row in held]
            user._roles_here = ", ".join(named)  # type: ignore[attr-defined]  # for `roles_here` only
        return user

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.access(request).operator

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return self.access(request).operator

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False
