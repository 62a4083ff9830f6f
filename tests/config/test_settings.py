"""Settings that must not drift: each is documented, and each promise of the first page holds."""

import re

from django.conf import settings

from config.celery import app
from config.embedded.supervisor import WORKER
from config.env import ROOT

_READ = re.compile(r"""(?:env\.\w+|environ\.get)\(\s*"([A-Z_]+)\"""")
_NOT_OURS = {"PATH"}


def test_every_variable_that_is_read_is_documented_and_no_other() -> None:
    files = [*(ROOT / "config").glob("*.py"), *(ROOT / "config" / "embedded").glob("*.py")]
    read = {name for file in files for name in _READ.findall(file.read_text())} - _NOT_OURS
    page = (ROOT / "docs" / "settings.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert read <= set(re.findall(r"`([A-Z_]+)`", "".join(rows)))
    told = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1])}
    assert told - read <= {"TEST_DATABASE_URL", "HORAE_BIND"}


def test_losing_redis_costs_a_request_a_third_of_a_second_at_most() -> None:
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    assert settings.CELERY_TASK_PUBLISH_RETRY is False
    assert settings.CELERY_BROKER_CONNECTION_TIMEOUT == 0.3
    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (0.3, 0.3)
    assert {options[name] for name in ("max_retries", "interval_start", "interval_step", "interval_max")} == {0}


def test_transactions_are_opened_by_use_cases_not_by_requests() -> None:
    assert not any(database["ATOMIC_REQUESTS"] for database in settings.DATABASES.values())


def test_messages_stay_out_of_cookies() -> None:
    assert settings.MESSAGE_STORAGE.endswith("session.SessionStorage")


def test_every_swept_task_exists() -> None:
    app.loader.import_default_modules()
    swept = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert swept <= set(app.tasks)


def test_every_queue_a_task_may_go_to_has_a_worker() -> None:
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()} | {settings.CELERY_TASK_DEFAULT_QUEUE}
    assert routed == set(WORKER[WORKER.index("--queues") + 1].split(","))
