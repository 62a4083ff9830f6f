"""A language nobody speaks, written from right to left: every text of ours in letters of that script and a third
longer, so that a page shows which words were never given to a translator and which layout counts on the left."""

import re
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

#: Hebrew's code, so that dates, plurals and direction are known; the words are none.
CODE: Final = "he"
_LETTERS: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz", "אבגדהוזחטיכלמנסעפצקרשתאבגד")
_KEPT: Final = re.compile(r"(%\(\w+\)[sd]|%[sd]|\{\w*\}|<[^>]+>|&\w+;|%%)")


def spoken(text: str) -> str:
    """A text in the language: placeholders and markup as they are, the rest in its letters, a third longer."""
    parts = _KEPT.split(text)
    words = [part if at % 2 else part.casefold().translate(_LETTERS) for at, part in enumerate(parts)]
    return "".join(words) + " תתתת" * (len(text) // 15)


def write(folder: Path, *, like: Path) -> Path:
    """Write a compiled catalogue of it below `folder`, with every text that the catalogue `like` has."""
    with like.open("rb") as file:
        known = read_po(file, locale="de")
    catalog = Catalog(locale=CODE, charset="utf-8", fuzzy=False)
    for message in known:
        if message.id:
            said = tuple(spoken(one) for one in message.id) if message.pluralizable else spoken(str(message.id))
            forms = (*said, *said[-1:] * (catalog.num_plurals - 2)) if message.pluralizable else said
            catalog.add(message.id, string=forms, context=message.context)
    target = folder / CODE / "LC_MESSAGES" / "django.mo"
    target.parent.mkdir(parents=True)
    with target.open("wb") as file:
        write_mo(file, catalog)
    target.with_suffix(".po").touch()
    return folder
