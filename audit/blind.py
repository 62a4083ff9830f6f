"""Search tokens: keyed digests of what somebody may type, so that an index can be asked and never read.

A token is HMAC-SHA256 under a clinic's secret, cut to a signed 64-bit number (a column of `bigint[]` with a GIN
index). It confirms a guess to whoever has the secret, so indexes of tokens are no evidence and go at erasure.

Kinds: `name` (prefixes of each part), `email` (whole, the part before the @, and its prefixes), `phone` (digits, and
each ending of four or more), `birth` (the whole ISO date), `exact` (the value as given). Pure: no Django, no database.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

SHORTEST: Final = 2
"""Characters of the shortest prefix; scripts written without an alphabet begin at one."""

LONGEST: Final = 24
"""Prefixes stop growing here, in the index and in the question alike."""

SHORTEST_PHONE: Final = 4

_ROMANISED: Final = """
æ ae  œ oe  ø o  ł l  đ d  ð d  þ th  ħ h  ŧ t  ŋ n  ı i  ĸ k
а a  б b  в v  г g  ґ g  д d  е e  є e  ж zh  з z  и i  і i  ј j  к k  л l  љ lj  м m  н n  њ nj  о o  п p  р r  с s
т t  ћ c  ђ d  у u  ф f  х h  ц ts  ч ch  џ dz  ш sh  щ shch  ы y  э e  ю yu  я ya
α a  β v  γ g  δ d  ε e  ζ z  η i  θ th  ι i  κ k  λ l  μ m  ν n  ξ x  ο o  π p  ρ r
σ s  ς s  τ t  υ y  φ f  χ ch  ψ ps  ω o
"""
"""Letters that no Unicode decomposition folds, and the two neighbouring alphabets in one common romanisation."""

_LATIN: Final = str.maketrans(
    dict(zip(_ROMANISED.split()[::2], _ROMANISED.split()[1::2], strict=True)) | {"ъ": "", "ь": ""}
)

_SPELLED_UMLAUT: Final = re.compile("([aou])e")
_SEPARATORS: Final = re.compile(r"[^\w]|_")
_IDEOGRAPHIC: Final = re.compile("[\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]")


def tokens(*, secret: bytes, kind: str, value: str) -> list[int]:
    """Sorted tokens under which a stored value is found. Raises ValueError for an unknown kind."""
    return sorted({_token(secret, kind, word) for word in _indexed(kind, value)})


def query_tokens(*, secret: bytes, kind: str, value: str) -> list[int]:
    """Tokens a stored value must hold, all of them, to match what was typed; empty when that is too short to search."""
    return sorted({_token(secret, kind, word) for word in _asked(kind, value)})


def fold(text: str) -> str:
    """Text as it is compared: case, accents and the spelling of a transliteration do not count.

    `Müller`, `Mueller` and `MULLER` fold alike; so do `Łukasz` and `lukasz`, `Sørensen` and `sorensen`, `Иванов` and
    `ivanov`. A prefix of a text folds to a prefix of the folded text.
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return _SPELLED_UMLAUT.sub(r"\1", unicodedata.normalize("NFC", bare.casefold().translate(_LATIN)))


def _token(secret: bytes, kind: str, word: str) -> int:
    digest = hmac.new(secret, f"{kind}\x00{word}".encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _indexed(kind: str, value: str) -> Iterator[str]:
    match kind:
        case "name":
            for word in value.split():
                parts = _parts(word)
                for part in {"".join(parts), *parts}:
                    yield from _prefixes(part)
        case "email":
            address = _address(value)
            local = address.partition("@")[0]
            if address:
                yield address
                yield f"@{local}"
                yield from (f"{prefix}@" for prefix in _prefixes(local))
        case "phone":
            digits = _digits(value)
            yield from (digits[start:] for start in range(len(digits) - SHORTEST_PHONE + 1))
        case "birth" | "exact":
            yield from filter(None, [value.strip()])
        case _:
            raise ValueError(f"no search token of kind {kind!r}")


def _asked(kind: str, value: str) -> Iterator[str]:
    match kind:
        case "name":
            for word in value.split():
                joined = "".join(_parts(word))[:LONGEST]
                if _searchable(joined):
                    yield joined
        case "email":
            address = _address(value)
            local, at, domain = address.partition("@")
            if at and "." in domain.strip("."):
                yield address
            elif at and local:
                yield f"@{local}"
            elif len(local) >= SHORTEST:
                yield f"{local[:LONGEST]}@"
        case "phone":
            # What is typed in national form (0664 ...) is an ending of the international one once its zero is gone.
            digits = _digits(value).lstrip("0")
            if len(digits) >= SHORTEST_PHONE:
                yield digits
        case _:
            yield from _indexed(kind, value)


def _parts(word: str) -> list[str]:
    return [part for part in _SEPARATORS.split(fold(word)) if part]


def _prefixes(part: str) -> Iterator[str]:
    lengths = range(1, min(len(part), LONGEST) + 1)
    yield from (part[:length] for length in lengths if _searchable(part[:length]))


def _searchable(prefix: str) -> bool:
    return len(prefix) >= SHORTEST or bool(_IDEOGRAPHIC.match(prefix))


def _address(value: str) -> str:
    return unicodedata.normalize("NFKC", value.strip()).casefold()


def _digits(value: str) -> str:
    """Digits of a phone number in international form, without the `00` or the optional `(0)`."""
    digits = "".join(str(unicodedata.digit(c)) for c in value.replace("(0)", "") if c.isdigit())
    return digits.removeprefix("00")
