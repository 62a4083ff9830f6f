"""What other rooms call and bookings answers: after migrations, at sign-in, when somebody reads the evidence."""

from allauth.mfa.signals import authenticator_added
from django.apps import AppConfig
from django.db.models.signals import post_migrate

from audit import access
from audit.chains import PLATFORM_CHAIN, chain_of_clinic
from bookings.accounts import remember_factor
from bookings.models import User
from bookings.roles import access_of, keep_groups, staff_actor


def open_doors(config: AppConfig) -> None:
    """Connect what is called from elsewhere. Called once, from `AppConfig.ready()`."""
    post_migrate.connect(keep_groups, sender=config, dispatch_uid="bookings.roles")
    authenticator_added.connect(remember_factor, dispatch_uid="bookings.accounts")
    access.register(reader_of)


def reader_of(account: access.Account) -> access.Reader:
    """What an account may read of the evidence: the chains of clinics in which its role says so."""
    if not isinstance(account, User):
        return access.NOBODY
    held = access_of(account)
    return access.Reader(
        chains=_chains(held.clinics("audit.view_record")),
        acknowledges=_chains(held.clinics("audit.acknowledge_record"))
        | ({PLATFORM_CHAIN} if held.operator else frozenset()),
        operator=held.operator,
        actor=staff_actor(user=account),
    )


def _chains(clinic_ids: frozenset[int]) -> frozenset[str]:
    return frozenset(chain_of_clinic(clinic_id) for clinic_id in clinic_ids)
