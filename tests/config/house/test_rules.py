"""House rules find what they are for, and nothing else."""

import pytest

from config.house import python, templates, texts


def rules(found: object) -> list[str]:
    """The rules of what was found, without their details."""
    return [breach.rule.split(":")[0].split(";")[0] for breach in found]  # type: ignore[attr-defined]


def test_a_file_of_300_lines_is_fine_and_one_more_is_not() -> None:
    assert rules(python.breaches("audit/a.py", "x = 1\n" * 300)) == []
    assert rules(python.breaches("audit/a.py", "x = 1\n" * 301)) == ["301 lines"]
    assert rules(python.breaches("tests/audit/test_a.py", "x = 1\n" * 600)) == []
    assert rules(python.breaches("tests/audit/test_a.py", "x = 1\n" * 601)) == ["601 lines"]


@pytest.mark.parametrize(
    "path", ["audit/utils.py", "bookings/helpers/x.py", "calendars/common.py", "audit/services.py"]
)
def test_names_for_nothing(path: str) -> None:
    assert rules(python.breaches(path, ""))[0].endswith("names nothing")


def test_healthcare_services_are_a_subject() -> None:
    assert rules(python.breaches("bookings/models/services.py", "")) == []


def test_an_import_inside_a_function_or_method() -> None:
    inner = "import os\nclass A:\n    def f(self):\n        if 1:\n            import sys\n"
    (breach,) = python.breaches("audit/a.py", inner)
    assert (breach.line, breach.rule.split(":")[0]) == (5, "import inside a function")


@pytest.mark.parametrize(
    ("markup", "rule"),
    [
        ('<a hx-on:click="x()">', "hx-on runs inline script"),
        ('<a onclick="x()">', "inline event handler"),
        ('<p class="a" style="color:red">', "inline style"),
        ("<style>p{}</style>", "inline style sheet"),
        ("<script>x()</script>", "inline script"),
        ('<a href="javascript:x()">', "javascript"),
        ('<a hx-vals="js:{a: 1}">', "js"),
        ('<img src="https://cdn.example/x.png">', "address of a third party"),
        ('<link href="//cdn.example/x.css">', "address of a third party"),
        ("{{ name|safe }}", "escaping switched off"),
    ],
)
def test_what_a_template_must_not_hold(markup: str, rule: str) -> None:
    assert rules(templates.breaches("templates/bookings/a.html", f"<p>\n{markup}")) == [rule]


@pytest.mark.parametrize(
    "markup",
    [
        '<script src="{% static "htmx.js" %}" defer></script>',
        '<script type="application/json" id="d">{}</script>',
        '<a href="{{ url }}">one style</a>',
        '{# <p style="x"> #}{% comment %}<script>{% endcomment %}',
        '<a href="mailto:{{ contact }}">',
        "{{ field.help_text|safe }}",
    ],
)
def test_what_a_template_may_hold(markup: str) -> None:
    assert rules(templates.breaches("templates/bookings/a.html", markup)) == []


def test_mail_may_style_its_elements() -> None:
    assert rules(templates.breaches("templates/notifications/code/body.html", '<p style="margin:0">')) == []


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("see /" + "home/ada/x", "path of one machine"),
        ("--extra" + "-index-url https://x", "package registry"),
        ("<<<<<<" + "< HEAD", "conflict mark"),
        ("-----BEGIN " + "PRIVATE KEY-----", "private key"),
    ],
)
def test_what_no_file_may_hold(line: str, rule: str) -> None:
    (breach,) = texts.breaches("docs/a.md", f"first\n{line}\n")
    assert (breach.line, breach.rule) == (2, rule)


@pytest.mark.parametrize("line", ["GET /homepage/x", "https://example.org/home/x", "templates/work/x", "./root/x"])
def test_what_is_no_path_of_one_machine(line: str) -> None:
    assert rules(texts.breaches("docs/a.md", line)) == []
