"""`manage.py audit_hold`: keep the evidence of a matter until another person lets it go."""

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.translation import gettext

from audit import holds
from audit.commands import AuditedCommand
from audit.context import Actor
from audit.holding import waits
from audit.models import LegalHold


class Command(AuditedCommand):
    """Whoever decides is named by their account: this machine's own account says nothing about who they are."""

    help = (
        "Places a legal hold on records of a chain, lifts one, or lists those that stand. "
        "Under a hold nothing is removed from the evidence store and no key of its records is destroyed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        ways = parser.add_subparsers(dest="what", required=True)
        place = ways.add_parser("place", help="place a hold")
        place.add_argument("chain", help="platform, or clinic/<id>")
        place.add_argument("--matter", required=True, help="reference in the clinic's own files; names no person")
        place.add_argument("--first", type=int, default=1, help="number of the first record; 1 by default")
        place.add_argument("--last", type=int, help="number of the last record; without it, whatever comes is held too")
        lift = ways.add_parser("lift", help="lift a hold")
        lift.add_argument("hold", type=UUID, help="the hold's id, as list shows it")
        for way in (place, lift):
            way.add_argument("--by", required=True, help="account of who decides; a second person lifts")
            way.add_argument("--reason", required=True, help="why; names no person, and becomes part of the evidence")
        show = ways.add_parser("list", help="list the holds that stand")
        show.add_argument("--all", action="store_true", help="those that were lifted too")
        for way in (place, lift, show):
            way.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            if options["what"] == "place":
                asked = {name: options[name] for name in ("chain", "matter", "first", "last", "reason")}
                found = [holds.place(actor=_decided(options["by"]), now=now, **asked)]
            elif options["what"] == "lift":
                actor = _decided(options["by"])
                found = [holds.lift(actor=actor, now=now, hold_id=options["hold"], reason=options["reason"])]
            else:
                found = list(LegalHold.objects.order_by("placed_at") if options["all"] else holds.standing())
        except (holds.CannotHold, holds.NotStanding, holds.SamePerson) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(hold) for hold in found]))
            return
        for hold in found:
            self.stdout.write(_told(hold))
        if not found:
            self.stdout.write(gettext("No legal hold stands."))


def _decided(account: str) -> Actor:
    users = get_user_model()
    user = users._default_manager.filter(**{users.USERNAME_FIELD: account, "is_active": True}).first()
    if user is None:
        raise CommandError(gettext("There is no active account called %(name)s.") % {"name": account})
    return Actor(kind="staff", id=str(user.pk), label=user.get_username())


def _as_json(hold: LegalHold) -> dict[str, Any]:
    return {
        "id": str(hold.pk),
        "matter": hold.matter,
        "chain": hold.chain,
        "first": hold.first,
        "last": hold.last,
        "reason": hold.reason,
        "placed_at": hold.placed_at.isoformat(),
        "placed_by": hold.placed_by,
        "lifted_at": hold.lifted_at.isoformat() if hold.lifted_at else None,
        "lifted_by": hold.lifted_by or None,
        "waits": waits(hold),
    }


def _told(hold: LegalHold) -> str:
    if hold.lifted_at is None:
        line = gettext("%(id)s: %(matter)s holds %(chain)s from record %(first)s to %(last)s, since %(at)s.")
    else:
        line = gettext("%(id)s: %(matter)s held %(chain)s from record %(first)s to %(last)s, lifted %(at)s.")
    said = line % {
        "id": hold.pk,
        "matter": hold.matter,
        "chain": hold.chain,
        "first": hold.first,
        "last": hold.last or gettext("whatever comes"),
        "at": f"{hold.lifted_at or hold.placed_at:%Y-%m-%d %H:%M}",
    }
    return (
        f"{said} {gettext('The evidence store has not come as far yet; the sweep goes on.')}" if waits(hold) else said
    )
