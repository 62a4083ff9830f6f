"""The template linter: what a message may say is a list, and the list knows the classification."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from notifications.checks import check_messages, check_template, check_vocabulary
from notifications.models import Kind
from notifications.rendering import PARTS, VARIABLES

Written = Callable[[str], list[str]]


@pytest.fixture
def said(tmp_path: Path, settings: Settings) -> Written:
    """What the linter says about a template with this text."""
    templates = [dict(engine) for engine in settings.TEMPLATES]
    templates[0]["DIRS"] = [tmp_path, *templates[0]["DIRS"]]
    settings.TEMPLATES = templates

    def lint(text: str) -> list[str]:
        (tmp_path / "tried.txt").write_text(text)
        return [error.msg for error in check_template("tried.txt", vocabulary=VARIABLES)]

    return lint


def test_every_message_of_the_house_passes() -> None:
    assert check_messages(None) == []


@pytest.mark.parametrize(
    "source",
    [
        "bookings.Patient.family_name",
        "bookings.Patient.birth_date",
        "bookings.RelatedPerson.name",
        "bookings.Practitioner.name",
        "bookings.Appointment.reason",
    ],
)
def test_a_variable_made_of_identity_or_health_is_refused(source: str) -> None:
    (error,) = check_vocabulary({"x": source})
    assert error.id == "horae.E301"


def test_a_variable_made_of_an_unclassified_field_is_refused() -> None:
    (error,) = check_vocabulary({"x": "bookings.Patient.favourite_colour"})
    assert error.id == "horae.E301"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ patient.full_name }}", ["patient"]),
        ("{{ clinic|default:reason }}", ["reason"]),
        ("{% if service %}x{% endif %}", ["service"]),
        ("{% if by_clinic and not practitioner.name == 'x' %}x{% endif %}", ["practitioner"]),
        ("{% load i18n %}{% blocktranslate %}Dear {{ name }}{% endblocktranslate %}", ["name"]),
        (
            "{% load i18n %}{% blocktranslate with n=patient.name %}Dear {{ n }}{% endblocktranslate %}",
            ["patient", "n"],
        ),
        ("{% load i18n %}{% translate reason %}", ["reason"]),
        ("{% include 'notifications/_foot.txt' with phone=patient.phone %}", ["include"]),
        ("{% include which %}", ["include"]),
        ("{% for service in services %}x{% endfor %}", ["for", "endfor"]),
        ("{% debug %}", ["debug"]),
    ],
)
def test_a_word_that_is_not_in_the_vocabulary_is_found_wherever_it_hides(
    said: Written, text: str, names: list[str]
) -> None:
    assert [line.removeprefix("tried.txt uses ").split()[0].rstrip(",") for line in said(text)] == names


@pytest.mark.parametrize(
    "text",
    [
        "{{ clinic }} {{ date }} {{ time|default:'x' }}",
        "{% if by_clinic %}x{% elif purpose == 'book' %}y{% else %}z{% endif %}",
        "{% load i18n %}{% translate 'patient' %}",
        "{% load i18n %}{% blocktranslate trimmed count minutes=minutes %}x{% plural %}y{% endblocktranslate %}",
        "{% include 'notifications/_foot.txt' %}",
        "{# patient.full_name #}",
    ],
)
def test_what_messages_need_passes(said: Written, text: str) -> None:
    assert said(text) == []


def test_a_missing_template_is_found() -> None:
    (error,) = check_template("notifications/birthday/body.txt", vocabulary=VARIABLES)
    assert error.id == "horae.E302"


def test_every_kind_has_its_parts() -> None:
    folder = Path("templates/notifications")
    assert all((folder / kind / part).is_file() for kind in Kind for part in PARTS)
