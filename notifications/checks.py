"""The template linter: a message says nothing that was not declared in `notifications.rendering.VARIABLES`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, register
from django.template import TemplateDoesNotExist
from django.template.base import Lexer, TokenType
from django.template.loader import get_template

from audit.classification import category_of
from audit.declare import Category
from notifications.models import Kind
from notifications.rendering import PARTS, QUIET, VARIABLES, WHEN

FORBIDDEN: Final = frozenset({Category.IDENTITY, Category.HEALTH})
"""What no message may carry: who the patient is, and what is the matter."""

_QUIET_TAGS: Final = frozenset(
    "load autoescape endautoescape block endblock else endif plural endblocktranslate".split()
)
_ASKING_TAGS: Final = frozenset("if elif translate blocktranslate".split())
_NAMING_TAGS: Final = frozenset("include extends".split())
_WORDS: Final = frozenset(
    "if elif translate blocktranslate trimmed count with and or not in is True False None".split()
)
_LITERAL: Final = re.compile(r'"[^"]*"|\'[^\']*\'')
_NAME: Final = re.compile(r"(?<![\w.|])([A-Za-z_]\w*)(?!\w*=)")


@register("notifications")
def check_messages(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check the vocabulary against the classification, and every template against the vocabulary."""
    found = check_vocabulary(VARIABLES)
    for name in WHEN.values():
        found += check_template(name, vocabulary=VARIABLES)
    for kind in (*Kind, QUIET):
        for part in PARTS:
            found += check_template(f"notifications/{kind}/{part}", vocabulary=VARIABLES)
    return found


def check_vocabulary(vocabulary: Mapping[str, str]) -> list[CheckMessage]:
    """One error for each variable made from a field that messages must not carry, or that nobody classified."""
    found: list[CheckMessage] = []
    for name, source in vocabulary.items():
        label, _, field = source.rpartition(".")
        category = category_of(apps.get_model(label), field)
        if category is None or category in FORBIDDEN:
            what = f"messages may not use {name}: {source} is classified as {category or 'nothing'}"
            found.append(Error(what, id="horae.E301"))
    return found


def check_template(name: str, *, vocabulary: Mapping[str, str]) -> list[CheckMessage]:
    """One error for each variable the vocabulary does not hold and each tag that messages have no use for.

    Templates it includes or extends are looked at too.
    """
    try:
        source: str = get_template(name).template.source  # type: ignore[attr-defined]  # Django's own backend
    except TemplateDoesNotExist:
        return [Error(f"the message template {name} is missing", id="horae.E302")]
    found: list[CheckMessage] = []
    for used, other in _used(source):
        if other:
            found += check_template(other, vocabulary=vocabulary)
        elif used not in vocabulary:
            found.append(Error(f"{name} uses {used}, which messages do not know", id="horae.E303"))
    return found


def _used(source: str) -> Iterator[tuple[str, str]]:
    """`(variable, "")` for each looked up, `("", template)` for each named, `(tag, "")` for one that is not allowed."""
    for token in Lexer(source).tokenize():
        words = token.split_contents() if token.token_type in (TokenType.VAR, TokenType.BLOCK) else []
        tag = words[0] if words else ""
        if token.token_type == TokenType.VAR or tag in _ASKING_TAGS:
            names = _NAME.findall(_LITERAL.sub("", token.contents))
            yield from ((name, "") for name in names if name not in _WORDS)
        elif tag in _NAMING_TAGS:
            named = words[1].strip("\"'")
            yield ("", named) if named != words[1] and len(words) == 2 else (token.contents, "")
        elif tag and tag not in _QUIET_TAGS:
            yield token.contents, ""
