"""Staff of a clinic: joining with a role, changing it, leaving."""

from django.contrib.auth.models import Group

from audit.context import Actor, use_case
from bookings.contacts import normalise_email
from bookings.models import Clinic, StaffMembership, User


@use_case("staff.join", operation="create")
def _join(*, actor: Actor, clinic: Clinic, user: User, role: str) -> StaffMembership:
    """Give `user` the role in `clinic`, once; the account may enter the admin from now on."""
    membership, _made = StaffMembership.objects.get_or_create(clinic=clinic, user=user, role=role)
    if not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    _keep_groups(user)
    return membership


@use_case("staff.change_role", operation="update")
def _change_role(*, actor: Actor, membership: StaffMembership, role: str) -> None:
    """Let the same person be something else in the same clinic."""
    membership.role = role
    membership.save(update_fields=["role"])
    _keep_groups(membership.user)


@use_case("staff.leave", operation="delete")
def _leave(*, actor: Actor, membership: StaffMembership) -> None:
    """Take a role away. Whoever has none left does not enter the admin any more, from the next request on."""
    user = membership.user
    membership.delete()
    _keep_groups(user)


@use_case("staff.account", operation="create")
def _account(*, actor: Actor, email: str, first_name: str, last_name: str) -> User:
    """The account that signs in with this address: the existing one, or a new one without a password.

    An existing account keeps its name: whether there was one must not show.
    """
    address = normalise_email(email)
    existing = User.objects.filter(email__iexact=address).order_by("pk").first()
    if existing is not None:
        return existing
    user = User(
        username=_free_username(address), email=address, first_name=first_name, last_name=last_name, is_staff=True
    )
    user.set_unusable_password()
    user.save()
    return user


def _free_username(address: str) -> str:
    wanted = address.partition("@")[0][:120] or "staff"
    taken = set(User.objects.filter(username__istartswith=wanted).values_list("username", flat=True))
    folded = {name.casefold() for name in taken}
    candidates = (wanted if number == 1 else f"{wanted}{number}" for number in range(1, len(taken) + 2))
    return next(name for name in candidates if name.casefold() not in folded)


def _keep_groups(user: User) -> None:
    roles = StaffMembership.objects.filter(user=user).values_list("role", flat=True)
    user.groups.set(Group.objects.filter(name__in=set(roles)))
