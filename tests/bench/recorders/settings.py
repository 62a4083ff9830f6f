"""Django as it comes, with one recorder, on the database it is told."""

import json
import os
from importlib import import_module

SECRET_KEY = "a benchmark protects nothing"
DATABASES = {"default": json.loads(os.environ["DATABASE"])}
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    *import_module(f"tests.bench.recorders.{os.environ['RECORDER']}").INSTALLED,
    "tests.bench.recorders",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LOGGING_CONFIG = None
