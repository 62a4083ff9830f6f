"""`manage.py audit_hold`: two accounts, one to place and another to lift."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.models import Chain, LegalHold, Record
from audit.sequencer import sequence
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def accounts(tmp_path: Any, settings: Any) -> None:
    settings.WORM_URL = f"file://{tmp_path}/worm"
    Chain.objects.create(name="clinic/7")
    UserFactory(username="eva")
    UserFactory(username="dana")
    UserFactory(username="gone", is_active=False)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("audit_hold", *arguments)
    return capsys.readouterr().out


def test_a_hold_is_placed_listed_and_lifted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "list") == "No legal hold stands.\n"
    said = run(capsys, "place", "clinic/7", "--matter", "2026/17", "--reason", "A claim", "--by", "eva")
    hold = LegalHold.objects.get()
    assert said.startswith(f"{hold.pk}: 2026/17 holds clinic/7 from record 1 to whatever comes, since 20")
    assert run(capsys, "list") == said
    [told] = json.loads(run(capsys, "list", "--json"))
    assert (told["id"], told["last"], told["waits"], told["lifted_by"]) == (str(hold.pk), None, False, None)
    with pytest.raises(CommandError, match="second person"):
        run(capsys, "lift", str(hold.pk), "--reason", "Settled", "--by", "eva")
    [told] = json.loads(run(capsys, "lift", str(hold.pk), "--reason", "Settled", "--by", "dana", "--json"))
    assert told["lifted_at"] is not None
    assert run(capsys, "list") == "No legal hold stands.\n"
    assert "2026/17 held clinic/7 from record 1 to whatever comes, lifted 20" in run(capsys, "list", "--all")
    sequence()
    by = [json.loads(record.body)["actor"]["label"] for record in Record.objects.order_by("seq") if record.model == ""]
    assert by == ["eva", "dana"]


def test_one_the_store_has_not_come_as_far_as_says_so(capsys: pytest.CaptureFixture[str], settings: Any) -> None:
    asked = ("clinic/7", "--matter", "2026/17", "--reason", "A claim", "--by", "eva", "--first", "5", "--last", "9")
    assert "record 5 to 9" in run(capsys, "place", *asked)
    settings.WORM_URL = "nowhere://"
    said = run(capsys, "lift", str(LegalHold.objects.get().pk), "--reason", "Settled", "--by", "dana")
    assert said.endswith("The evidence store has not come as far yet; the sweep goes on.\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("place", "clinic/7", "--matter", "m", "--reason", "r", "--by", "nobody"), "no active account called nobody"),
        (("place", "clinic/7", "--matter", "m", "--reason", "r", "--by", "gone"), "no active account called gone"),
        (("place", "clinic/8", "--matter", "m", "--reason", "r", "--by", "eva"), "no chain called clinic/8"),
        (("place", "clinic/7", "--matter", "m", "--reason", " ", "--by", "eva"), "Say why"),
        (("lift", "00000000-0000-0000-0000-000000000000", "--reason", "r", "--by", "eva"), "No such hold"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        run(capsys, *arguments)
    assert LegalHold.objects.count() == 0
