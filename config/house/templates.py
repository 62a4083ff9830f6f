"""Rules for templates: they work under a Content-Security-Policy without `unsafe-inline` and load nothing foreign."""

import re
from collections.abc import Iterator

from config.house.breach import Breach

_COMMENT = re.compile(r"{#.*?#}|{%\s*comment\b.*?%}.*?{%\s*endcomment\s*%}|<!--.*?-->", re.DOTALL)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bhx-on\b", re.IGNORECASE), "hx-on runs inline script"),
    (re.compile(r"""(?<=\s)on[a-z]+\s*=\s*["']""", re.IGNORECASE), "inline event handler"),
    (re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE), "inline style"),
    (re.compile(r"<style\b", re.IGNORECASE), "inline style sheet"),
    (re.compile(r"<script\b(?![^>]*\bsrc\s*=)(?![^>]*application/(?:ld\+)?json)", re.IGNORECASE), "inline script"),
    (re.compile(r"javascript:", re.IGNORECASE), "javascript: address"),
    (re.compile(r"""\bhx-(?:vals|headers|vars|trigger)\s*=\s*["']\s*js:""", re.IGNORECASE), "js: value"),
    (re.compile(r"\bhx-vars\b", re.IGNORECASE), "hx-vars is evaluated"),
    (
        re.compile(r"""(?:src|href|action|srcset|poster|data|content)\s*=\s*["'](?:https?:)?//""", re.IGNORECASE),
        "address of a third party",
    ),
    # a help text is written by us, and Django's own hold lists
    (re.compile(r"(?<!help_text)\|\s*safe\b|{%\s*autoescape\s+off"), "escaping switched off"),
)
_MAIL_RULES = frozenset({"inline style"})  # mail readers know no style sheet of ours


def breaches(path: str, text: str) -> Iterator[Breach]:
    """Yield what is wrong with one HTML template."""
    blanked = _COMMENT.sub(lambda found: "\n" * found.group().count("\n"), text)
    mail = path.startswith("templates/notifications/")
    for pattern, rule in _RULES:
        if mail and rule in _MAIL_RULES:
            continue
        for found in pattern.finditer(blanked):
            yield Breach(path, blanked.count("\n", 0, found.start()) + 1, rule)
