"""`verify.pyz`: the part of Horae that checks evidence, in one file for a bare Python 3.11.

`python -m audit.verifier FILE` writes it, with no installation at hand.
"""

import io
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Final

MODULES: Final = (
    *("__init__", "canonical", "ed25519", "note", "proof", "segment", "tiles", "timestamp", "tree"),
    *("verify/__init__", "verify/anchors", "verify/bench", "verify/chains", "verify/heads", "verify/judges"),
    *("verify/mentions", "verify/objects", "verify/offline", "verify/plan", "verify/report", "verify/segments"),
    *("verify/stamps", "verify/tiles", "verify/trust", "verify/words", "verify/workers"),
    *("worm/__init__", "worm/folder", "worm/names", "worm/store"),
)
_MAIN: Final = """import sys
from datetime import UTC, datetime

from audit.verify.offline import main

sys.exit(main(now=datetime.now(UTC)))
"""
_WHEN: Final = (1980, 1, 1, 0, 0, 0)


def packed() -> bytes:
    """The file: the same bytes for the same modules, whenever and wherever it is made."""
    here, target = Path(__file__).parent, io.BytesIO()
    files = {f"audit/{name}.py": (here / f"{name}.py").read_text(encoding="utf-8") for name in MODULES}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted({"__main__.py": _MAIN, **files}.items()):
            entry = zipfile.ZipInfo(name, _WHEN)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, text)
    return b"#!/usr/bin/env python3\n" + target.getvalue()


if __name__ == "__main__":
    made = packed()
    Path(sys.argv[1]).write_bytes(made)
    sys.stdout.write(f"{sys.argv[1]}  SHA-256 {sha256(made).hexdigest()}\n")
