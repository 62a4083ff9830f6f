"""The settings of time stamps, judged: a process that would ask an authority it could not hold to its word stops."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from cryptography import x509

from config.residency import REPORTING, Refused


class Configured(Protocol):
    """The settings this module reads."""

    TSA_URL: str
    TSA_ROOTS: str


def fault(settings: Configured) -> str:
    """What is wrong with them, in one sentence naming the setting and what to do; "" when nothing is."""
    remedy = "give the path of a PEM file with the root certificates of the time-stamping authority."
    if not settings.TSA_ROOTS:
        return f"TSA_URL is set but TSA_ROOTS is not; {remedy}" if settings.TSA_URL else ""
    try:
        x509.load_pem_x509_certificates(Path(settings.TSA_ROOTS).read_bytes())
    except OSError as error:
        return f"TSA_ROOTS names {settings.TSA_ROOTS}, which cannot be read ({error.strerror}); {remedy}"
    except ValueError:
        return f"TSA_ROOTS names {settings.TSA_ROOTS}, in which there is no certificate; {remedy}"
    return ""


def guard(settings: Configured, *, arguments: Iterable[str]) -> None:
    """Raise Refused with the fault, unless the command line (`sys.argv`) is one that reports faults itself."""
    if next(iter(list(arguments)[1:2]), "") in REPORTING:
        return
    sentence = fault(settings)
    if sentence:
        raise Refused(sentence)
