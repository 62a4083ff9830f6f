"""Whether the write-once store enforces what it must, asked once a day and written down in the chain."""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from audit.chains import PLATFORM_CHAIN
from audit.context import note
from audit.models import Record
from audit.stores import open_worm
from audit.worm import WormUnavailable
from audit.worm.canary import probe

logger = logging.getLogger(__name__)

EVENT: Final = "worm.canary"
"""Name of the record it leaves; also what that says to be about."""
EVERY: Final = timedelta(days=1)


def ask(*, now: datetime) -> None:
    """Send a canary (`now` aware), if that is due.

    The chain knows when that was: a machine that is off at night misses no day, and a store that is away is asked again
    at the next call.
    """
    asked = Record.objects.filter(model="", object_pk=EVENT, chain=PLATFORM_CHAIN, operation=EVENT)
    if asked.filter(at__gt=now - EVERY).exists():
        return
    try:
        faults = probe(open_worm(settings.WORM_URL), now=now)
    except WormUnavailable as error:
        logger.warning("The evidence store could not be asked whether it refuses: %s", error)
        return
    for fault in faults:
        logger.error("The evidence store does not enforce its locks: %s", fault)
    note(chain=PLATFORM_CHAIN, event=EVENT, about=EVENT, data={"faults": faults})
