"""One context for one thread or coroutine, restored whatever happens."""

import json
import threading

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.canonical import ProfileError
from audit.context import Actor, Context, acting, current, note, use, use_case
from audit.meaning import meaning_of

CARLA = Actor(kind="staff", id="2", label="Carla", roles=("reception", "manager"))


def test_nothing_is_known_at_first() -> None:
    assert current() == Context()
    assert current().empty
    assert current().carried == ""


def test_blocks_nest_and_restore() -> None:
    with acting(actor=CARLA, purpose="TREAT", request_id="r", client="web") as outer:
        with use("a", operation="cancel") as first:
            assert (first.actor, first.case, first.operation, first.purpose) == (CARLA, "a", "cancel", "TREAT")
            with use("b", purpose="AUDIT") as second:
                assert second.use_id != first.use_id
                assert (second.operation, second.purpose, second.request_id) == ("", "AUDIT", "r")
            assert current() is first
        assert current() is outer
    assert current() == Context()


def test_a_context_is_restored_after_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), acting(actor=CARLA), use("a"):
        raise ZeroDivisionError
    assert current() == Context()


def test_each_use_has_an_id_of_its_own() -> None:
    with use("a") as first:
        pass
    with use("a") as second:
        pass
    assert first.use_id != second.use_id


def test_a_use_case_takes_its_actor_from_the_call() -> None:
    @use_case("booking.book", operation="create")
    def book(*, actor: Actor, name: str) -> tuple[str, str, str]:
        return current().case, current().actor.label, name

    assert book(actor=CARLA, name="x") == ("booking.book", "Carla", "x")
    assert book.__name__ == "book"
    assert current() == Context()


def test_threads_and_coroutines_do_not_share() -> None:
    seen: list[Context] = []

    async def look() -> Context:
        return current()

    with use("mine") as mine:
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
        assert async_to_sync(look)() is mine
    assert seen == [Context()]


def test_what_is_carried_is_read_back() -> None:
    with acting(actor=CARLA, purpose="TREAT", request_id="r", client="web"), use("a", operation="cancel") as context:
        meaning = meaning_of(context.carried)
    assert (meaning.kind, meaning.actor_id, meaning.label, meaning.roles) == ("staff", "2", "Carla", CARLA.roles)
    assert (meaning.use_id, meaning.case, meaning.operation) == (context.use_id, "a", "cancel")
    assert (meaning.purpose, meaning.request, meaning.client) == ("TREAT", "r", "web")
    assert context.carried.isascii()


def test_text_without_utf8_is_read_as_text() -> None:
    with acting(actor=Actor(kind="staff", id="1", label="x\ud800y" + "z" * 1000)) as context:
        label = meaning_of(context.carried).label
    assert label.startswith("x?y")
    assert len(label) == 500


@pytest.mark.parametrize("chain", ["", "clinic/", "clinic/x", "clinic/1/2", "log", "clinic/-1"])
def test_a_note_names_a_chain_that_can_exist(chain: str) -> None:
    with pytest.raises(ValueError, match="chain"):
        note(chain=chain, event="read")


def test_a_note_that_has_no_canonical_form_is_refused_at_once() -> None:
    with pytest.raises(ProfileError):
        note(chain="platform", event="read", data={"x": object()})


@pytest.mark.django_db
def test_a_note_is_one_statement() -> None:
    with use("a"), CaptureQueriesContext(connection) as statements:
        note(chain="platform", event="read", data={"percent": "100 %"})
    assert len(statements) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT new, ctx FROM audit_fact")
        new, ctx = cursor.fetchone()
    assert json.loads(new)["data"] == {"percent": "100 %"}
    assert json.loads(ctx)["use"]["case"] == "a"
