"""Texts are found where they are written, and every language has each of them."""

from pathlib import Path

import pytest

from config.messages.catalogues import compile_all, faults, path_of, update
from config.messages.extract import Message, in_python, in_template


def test_texts_of_python() -> None:
    source = """
from django.utils.translation import gettext_lazy as _, ngettext, pgettext
a = _("Book")
b = ngettext("%(n)s day", "%(n)s days", n)
c = pgettext("month", "May")
d = _(variable)
"""
    assert sorted(in_python(source, where="a.py")) == [
        Message("%(n)s day", "%(n)s days", "", "a.py"),
        Message("Book", "", "", "a.py"),
        Message("May", "", "month", "a.py"),
    ]


def test_texts_of_templates() -> None:
    source = (
        '{% translate "It\'s free" %}{% blocktranslate with n=x %}Dear {{ n }}{% endblocktranslate %}'
        '{% blocktranslate count n=a %}{{ n }} day{% plural %}{{ n }} days{% endblocktranslate %}{{ _("Yes") }}'
        '{% translate "May" context "month" %}{# {% translate "Not this" %} #}'
    )
    assert sorted(in_template(source, where="a.html")) == [
        Message("%(n)s day", "%(n)s days", "", "a.html"),
        Message("Dear %(n)s", "", "", "a.html"),
        Message("It's free", "", "", "a.html"),
        Message("May", "", "month", "a.html"),
        Message("Yes", "", "", "a.html"),
    ]


LANGUAGES = ("de", "fr")


@pytest.fixture(autouse=True)
def folders(tmp_path: Path) -> None:
    """A language is a folder with a catalogue in it."""
    for language in LANGUAGES:
        path = path_of(root=tmp_path, language=language)
        path.parent.mkdir(parents=True)
        path.touch()


FOUND = [Message("Dear %(n)s", "", "", "a.html"), Message("%(n)s day", "%(n)s days", "", "a.html")]


def translate(root: Path, *, old: str, new: str) -> None:
    """Write a translation into the German catalogue."""
    path = path_of(root=root, language="de")
    path.write_text(path.read_text().replace(old, new))


def test_a_new_text_is_owed_by_every_language(tmp_path: Path) -> None:
    assert update(root=tmp_path, found=FOUND) == dict.fromkeys(LANGUAGES, 2)


def test_a_translation_survives_an_update_and_a_dropped_text_does_not(tmp_path: Path) -> None:
    update(root=tmp_path, found=FOUND)
    translate(tmp_path, old='msgid "Dear %(n)s"\nmsgstr ""', new='msgid "Dear %(n)s"\nmsgstr "Guten Tag %(n)s"')
    assert update(root=tmp_path, found=FOUND[:1])["de"] == 0
    text = path_of(root=tmp_path, language="de").read_text()
    assert "Guten Tag %(n)s" in text
    assert "days" not in text


def test_a_lost_placeholder_is_a_fault(tmp_path: Path) -> None:
    update(root=tmp_path, found=FOUND[:1])
    translate(tmp_path, old='msgid "Dear %(n)s"\nmsgstr ""', new='msgid "Dear %(n)s"\nmsgstr "Guten Tag"')
    german = [fault for fault in faults(root=tmp_path, found=FOUND[:1]) if fault.startswith("de")]
    assert german == ["de: a.html: 'Dear %(n)s' loses or invents a placeholder"]


def test_compiling_again_does_nothing_until_a_text_changes(tmp_path: Path) -> None:
    update(root=tmp_path, found=FOUND)
    assert compile_all([tmp_path / "locale"]) == len(LANGUAGES)
    assert compile_all([tmp_path / "locale"]) == 0
