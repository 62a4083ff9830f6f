"""Word that a request about data was answered: to whoever asked, without a word of what about."""

from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage

import pytest

from audit import stream
from audit.context import Actor
from bookings import rights
from bookings.models import DataRequest, RelatedPerson
from notifications.models import Kind, Message
from tests.factories import Cast
from tests.happenings import CLERK
from tests.notifications.stories import sent, standing
from tests.servers import MailSink

pytestmark = [pytest.mark.django_db, pytest.mark.real]
EVA = Actor(kind="staff", id="42", label="eva", roles=("dpo",))
SECRET = "My test results of spring"


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


def words(letter: EmailMessage) -> str:
    """Everything a reader may come to see."""
    parts = [letter.get_body(preferencelist=(kind,)) for kind in ("plain", "html")]
    return "\n".join([str(letter["Subject"]), *(str(part.get_content()) for part in parts if part is not None)])


def asked(people: Cast, *, now: datetime, by: RelatedPerson | None = None) -> DataRequest:
    made = rights.ask(actor=CLERK, now=now, patient=people.ada, asked_by=by, kind=DataRequest.Kind.ACCESS, text=SECRET)
    stream.drain()
    return made


def answered(wanted: DataRequest, *, now: datetime, how: str = "answer") -> None:
    if how == "prolong":
        rights.prolong(actor=EVA, now=now, request_id=wanted.pk, reason=SECRET)
    else:
        getattr(rights, how)(actor=EVA, now=now, request_id=wanted.pk, text=SECRET)
    stream.drain()
    sent(now=now + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("how", "says"),
    [("answer", "has answered"), ("refuse", "has answered"), ("prolong", "needs more time")],
)
def test_who_asked_is_told_that_there_is_an_answer_and_not_what(
    people: Cast, now: datetime, mail_sink: MailSink, how: str, says: str
) -> None:
    answered(asked(people, now=now), now=now, how=how)
    (letter,) = mail_sink.received
    assert letter["To"] == people.ada.email
    text = words(letter)
    assert says in text
    assert "http://localhost/me/data/requests/" in text
    assert not any(word in text for word in (SECRET, people.ada.family_name, "Cabinet du Parc"))
    assert standing() == [("answer", "handed_over")]


def test_one_that_was_withdrawn_or_only_came_is_no_news(people: Cast, now: datetime) -> None:
    wanted = asked(people, now=now)
    rights.withdraw(actor=CLERK, now=now, request_id=wanted.pk)
    stream.drain()
    assert standing() == []


def test_each_answer_is_told_once_and_in_the_patient_s_language(
    people: Cast, now: datetime, mail_sink: MailSink
) -> None:
    people.ada.language = "de"
    people.ada.save()
    wanted = asked(people, now=now)
    answered(wanted, now=now, how="prolong")
    answered(wanted, now=now + timedelta(days=1))
    first, second = (words(letter) for letter in mail_sink.received)
    assert "mehr Zeit" in first
    assert "beantwortet" in second
    assert Message.objects.filter(kind=Kind.ANSWER, request=wanted).count() == 2


def test_a_helper_who_asked_is_told_while_they_may_act(people: Cast, now: datetime, mail_sink: MailSink) -> None:
    answered(asked(people, now=now, by=people.ben), now=now)
    wanted = asked(people, now=now, by=people.ben)
    people.ben.valid_until = date(2020, 1, 1)
    people.ben.save()
    answered(wanted, now=now + timedelta(days=1))
    assert [letter["To"] for letter in mail_sink.received] == [people.ben.email, people.ada.email]


def test_a_patient_who_wants_nothing_without_a_code_is_told_of_news_only(
    people: Cast, now: datetime, mail_sink: MailSink
) -> None:
    people.ada.safe_contact = True
    people.ada.save()
    answered(asked(people, now=now), now=now)
    (letter,) = mail_sink.received
    assert "There is news for you" in words(letter)
    assert "request about" not in words(letter)
