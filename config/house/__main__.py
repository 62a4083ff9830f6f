"""`python -m config.house`: check every file git would keep; exit 1 when a rule does not hold."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from config.env import ROOT
from config.house import python, templates, texts
from config.house.breach import Breach
from config.messages.catalogues import faults
from config.messages.extract import messages

_BINARY = frozenset({".png", ".jpg", ".ico", ".woff2", ".gz", ".pdf", ".mo", ".webp"})
_VENDORED = ("static/vendor/",)


def kept(root: Path) -> list[str]:
    """Return the files of the repository, tracked or about to be, relative to `root`."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return sorted(name for name in set(listed.split("\0")) if name and (root / name).is_file())


def found(root: Path) -> Iterator[Breach]:
    """Yield every breach of every rule below `root`."""
    for name in kept(root):
        path = root / name
        if path.suffix in _BINARY or any(part in name for part in _VENDORED):
            continue
        text = path.read_text(encoding="utf-8")
        yield from texts.breaches(name, text)
        if path.suffix == ".py" and "/migrations/" not in name:
            yield from python.breaches(name, text)
        if path.suffix == ".html":
            yield from templates.breaches(name, text)
    for fault in faults(root=root, found=messages(root)):
        yield Breach("locale", 0, fault)


def main() -> int:
    """Print every breach."""
    wrong = sorted(found(ROOT))
    for breach in wrong:
        print(breach)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
