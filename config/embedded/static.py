"""Are the static files collected? Collecting and compressing them takes seconds, finding out does not."""

from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders


def collected() -> bool:
    """Tell whether STATIC_ROOT holds a manifest newer than every file the finders know, folders included."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if not manifest.exists():
        return False
    made = manifest.stat().st_mtime
    for finder in get_finders():
        for relative, storage in finder.list(ignore_patterns=None):
            source = Path(storage.path(relative))
            if max(source.stat().st_mtime, source.parent.stat().st_mtime) > made:
                return False
    return True
