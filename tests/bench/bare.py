"""Horae's web server without evidence, which the product has no switch for: `gunicorn tests.bench.bare`.

No carrier is put on connections and no model is listened to; the triggers of the database it is given are disabled by
whoever starts it. This is what evidence costs, measured against itself.
"""

import os

from django.core.wsgi import get_wsgi_application

from audit import capture


def _deaf() -> None:
    """Stands where `audit.capture.connect` begins to listen."""


capture.connect = _deaf
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
