"""Find every text marked for translation in Python and in Django templates."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation.template import templatize

ROOMS = ("config", "audit", "bookings", "calendars", "notifications", "templates")
_SKIPPED = ("/migrations/", "/house/", "/messages/")
# name -> positions of context, singular, plural
_CALLS: dict[str, tuple[int | None, int, int | None]] = {
    "_": (None, 0, None),
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
    "npgettext_lazy": (0, 1, 2),
}
_TEXT = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_IN_TEMPLATE = re.compile(rf"\b(_|n?p?gettext)\(\s*{_TEXT}(?:\s*,\s*{_TEXT})?(?:\s*,\s*{_TEXT})?", re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """One text: its context and plural ("" when it has none), and where it was first seen."""

    text: str
    plural: str = ""
    context: str = ""
    where: str = ""


def messages(root: Path) -> list[Message]:
    """Return every text below `root`, each once, ordered by where it was first seen."""
    found: dict[tuple[str, str], Message] = {}
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            name = path.relative_to(root).as_posix()
            if any(part in f"/{name}" for part in _SKIPPED):
                continue
            if path.suffix == ".py":
                new = in_python(path.read_text(), where=name)
            elif path.suffix in (".html", ".txt") and "templates" in path.parts:
                new = in_template(path.read_text(), where=name)
            else:
                continue
            for message in new:
                key = (message.context, message.text)
                if key not in found or (message.plural and not found[key].plural):
                    found[key] = message
    return list(found.values())


def in_python(source: str, *, where: str) -> Iterator[Message]:
    """Yield the texts of one Python file; only literal strings can be translated, so only they count."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in _CALLS:
            texts = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]
            message = _message(name, texts, where=where)
            if message:
                yield message


def in_template(source: str, *, where: str) -> Iterator[Message]:
    """Yield the texts of one Django template, through Django's own reading of its tags."""
    for match in _IN_TEMPLATE.finditer(templatize(source, origin=where)):
        texts = [ast.literal_eval(text) if text else None for text in match.groups()[1:]]
        message = _message(match.group(1), texts, where=where)
        if message:
            yield message


def _message(name: str, texts: Sequence[object], *, where: str) -> Message | None:
    context_at, text_at, plural_at = _CALLS[name]
    wanted = [at for at in (context_at, text_at, plural_at) if at is not None]
    given = {at: texts[at] for at in wanted if at < len(texts)}
    if not all(isinstance(given.get(at), str) for at in wanted) or not given[text_at]:
        return None
    return Message(
        text=str(given[text_at]),
        plural=str(given[plural_at]) if plural_at is not None else "",
        context=str(given[context_at]) if context_at is not None else "",
        where=where,
    )
