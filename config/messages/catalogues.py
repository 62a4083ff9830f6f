"""The catalogues in `locale/`: brought up to date with the code, checked, and compiled to what Django reads.

The repository keeps only what people edit (`.po`); `.mo` files are made at set-up with Babel.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from config.languages import folders
from config.messages.extract import Message

_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
_HEADER = "# Horae, {language}. Edited by people; the list of texts by `make messages`."


def path_of(*, root: Path, language: str) -> Path:
    """Return where the catalogue of `language` lies."""
    return root / "locale" / language / "LC_MESSAGES" / "django.po"


def load(path: Path, *, language: str) -> Catalog:
    """Read one catalogue; an empty one when it does not exist yet."""
    if not path.exists():
        return Catalog(locale=language, charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update(*, root: Path, found: list[Message]) -> dict[str, int]:
    """Add new texts to every catalogue and drop those no longer used; return how many each still owes.

    Nothing is guessed from a similar text: a fuzzy translation of "cancel" is a wrong button.
    """
    for language in folders([root / "locale"]):
        path = path_of(root=root, language=language)
        known = load(path, language=language)
        fresh = Catalog(locale=language, charset="utf-8", fuzzy=False, header_comment=_HEADER.format(language=language))
        for message in found:
            key = (message.text, message.plural) if message.plural else message.text
            before = known.get(message.text, context=message.context or None)
            fresh.add(
                key,
                string=before.string if before and bool(before.pluralizable) == bool(message.plural) else None,
                locations=[(message.where, 0)],
                context=message.context or None,
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, fresh, width=120, include_lineno=False, omit_header=False)
    owed = list(faults(root=root, found=found))
    return {
        language: sum(fault.startswith(f"{language}:") for fault in owed) for language in folders([root / "locale"])
    }


def faults(*, root: Path, found: list[Message]) -> Iterator[str]:
    """Yield one line for every text a language lacks, or whose placeholders its translation does not keep."""
    for language in folders([root / "locale"]):
        known = load(path_of(root=root, language=language), language=language)
        for message in found:
            entry = known.get(message.text, context=message.context or None)
            said = entry.string if entry else None
            strings = [string or "" for string in (said if isinstance(said, (tuple, list)) else [said])]
            where = f"{language}: {message.where}: {message.text[:60]!r}"
            if not all(strings) or (entry and entry.fuzzy):
                yield f"{where} is not translated"
            elif not message.plural and any(_held(string) != _held(message.text) for string in strings):
                yield f"{where} loses or invents a placeholder"
            elif message.plural and any(not _held(s) <= _held(message.text) | _held(message.plural) for s in strings):
                yield f"{where} invents a placeholder"


def compile_all(places: Iterable[Path]) -> int:
    """Compile every catalogue in these places that is newer than its `.mo`; return how many were compiled.

    Fuzzy entries are left out, as `msgfmt` does. Writing is atomic: a running process sees the old file or the new one.
    """
    compiled = 0
    for source in sorted(source for place in places for source in place.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        fresh = target.with_suffix(f".{os.getpid()}")
        with fresh.open("wb") as file:
            write_mo(file, load(source, language=source.parent.parent.name))
        fresh.replace(target)
        compiled += 1
    return compiled


def _held(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))
