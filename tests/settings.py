"""The house's settings as the tests run them: a throwaway cluster, folders of their own, nothing published."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from config.embedded.postgres import address

# One folder per pytest run: the process that starts the run makes it, xdist's workers inherit the name.
if "HORAE_TEST_RUN" not in os.environ:
    os.environ["HORAE_TEST_RUN"] = tempfile.mkdtemp(prefix="horae-test-")
    atexit.register(shutil.rmtree, os.environ["HORAE_TEST_RUN"], ignore_errors=True)
    (Path(os.environ["HORAE_TEST_RUN"]) / "owner").write_text(str(os.getpid()))
RUN = Path(os.environ["HORAE_TEST_RUN"])
CLUSTER = RUN / "postgres"
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["HORAE_DATA"] = str(RUN / WORKER)
os.environ["HORAE_DEMO"] = "0"
os.environ["HORAE_BASE_URL"] = "http://localhost"
os.environ["SECRET_KEY"] = "tests only, nothing is protected by this one"
os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL", address(home=CLUSTER, database="postgres"))
os.environ["EMAIL_URL"] = "memory:"
for name in ("REDIS_URL", "WORM_URL", "KEYS_URL", "KEYS_DATABASE_URL", "FILES_URL", "TSA_URL", "TSA_ROOTS", "DEBUG"):
    os.environ.pop(name, None)

from config.settings import *  # noqa: E402, F403 - the names above decide what it reads
from config.settings import DATA, INSTALLED_APPS, STORAGES  # noqa: E402

(DATA / "files").mkdir(parents=True, exist_ok=True)
INSTALLED_APPS = [*INSTALLED_APPS, "tests.audit.sample"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
STATIC_ROOT = DATA / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
PUBLISH_TASKS = False
SOURCE_DAYS = 0  # the key of the day is asked for once a minute: tests that count queries would meet it
FORMS_A_MINUTE = 1_000_000  # a frozen minute holds a whole test; those of the limit lower it
DDL_WATCH = False  # tests switch triggers off and on; those of the watch put it in place themselves
