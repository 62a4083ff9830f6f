"""Rules for every file: it names no path of one machine, no package registry, and holds no conflict mark."""

import re
from collections.abc import Iterator

from config.house.breach import Breach

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<![\w.:}\])/])/(?:home|Users|root|work|mnt|media)/\w"), "path of one machine"),
    (re.compile(r"^\s*(?:--index-url|--extra-index-url|--find-links|--trusted-host|-i\s|-f\s)"), "package registry"),
    (re.compile(r"^(?:<{7} |>{7} )"), "conflict mark"),
    (re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"), "private key"),
)


def breaches(path: str, text: str) -> Iterator[Breach]:
    """Yield what is wrong with one text file, line by line."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, rule in _RULES:
            if pattern.search(line):
                yield Breach(path, number, rule)
