"""Which chains a person may read: asked of the app that knows memberships, which `audit` must not import."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from audit.chains import PLATFORM_CHAIN
from audit.context import Actor


@dataclass(frozen=True, slots=True)
class Reader:
    """What a signed-in person may see of the evidence."""

    chains: frozenset[str]
    """Chains whose records they may read in full."""
    acknowledges: frozenset[str]
    """Chains whose findings they may acknowledge."""
    operator: bool
    """Whether they run the installation: they see on every chain *that* something happened, not what of patients."""
    actor: Actor


Account = AbstractBaseUser | AnonymousUser
NOBODY = Reader(chains=frozenset(), acknowledges=frozenset(), operator=False, actor=Actor.UNKNOWN)

_readers: list[Callable[[Account], Reader]] = []


def register(reader_of: Callable[[Account], Reader]) -> None:
    """Say who may read what. Called once, from `AppConfig.ready()` of the app that knows."""
    _readers[:] = [reader_of]


def reader_of(account: Account) -> Reader:
    """What this account may read; nothing while no app has said otherwise."""
    return _readers[0](account) if _readers else NOBODY


def open_chains(reader: Reader) -> Collection[str]:
    """Chains read in full: those of the reader's clinics, and the platform's for whoever runs the installation."""
    return reader.chains | {PLATFORM_CHAIN} if reader.operator else reader.chains
