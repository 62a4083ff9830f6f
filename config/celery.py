"""The Celery application: settings from Django under `CELERY_`, tasks from each app's `tasks` module."""

import os
import warnings
from typing import Any

from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if os.environ.get("HORAE_DEMO") == "1":
    warnings.filterwarnings("ignore", category=SecurityWarning)  # in a container the demo runs as root

app = Celery("horae")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def keep_the_house_s_log(**kwargs: Any) -> None:
    """Celery would write lines of its own making, which nobody scrubs; that somebody listens stops it."""


setup_logging.connect(keep_the_house_s_log)
