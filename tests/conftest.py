"""One throwaway PostgreSQL for the whole run, and rules every test lives by."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone, translation

from config.embedded import postgres
from config.embedded.processes import command_of
from config.env import ROOT
from config.messages.catalogues import compile_all
from tests.settings import CLUSTER, RUN

_QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "150"}
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_started: "list[subprocess.Popen[bytes]]" = []

hypothesis.settings.register_profile("house", deadline=None)  # two cores shared by everything: time says nothing
hypothesis.settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """Start the cluster, in the one process that owns the run; xdist's workers find it by its socket."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    compile_all([ROOT / "locale"])
    _sweep()
    if os.environ.get("TEST_DATABASE_URL"):
        return
    RUN.chmod(0o755)  # the account PostgreSQL runs as passes through
    made = postgres.cluster(home=CLUSTER)
    with (RUN / "postgres.log").open("wb") as log:
        _started.append(postgres.start(made, options=_QUICK, output=log))


def _sweep() -> None:
    """Remove the folders of runs that were killed; their servers ended with them."""
    for owner in RUN.parent.glob("horae-test-*/owner"):
        if not command_of(pid=int(owner.read_text() or 0)):
            shutil.rmtree(owner.parent, ignore_errors=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the cluster by its pid and leave nothing behind."""
    if hasattr(config, "workerinput"):
        return
    while _started:
        server = _started.pop()
        server.send_signal(signal.SIGQUIT)  # nothing in it is worth a checkpoint
        server.wait(timeout=30)
    shutil.rmtree(RUN, ignore_errors=True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Browser tests need a browser, and say so where there is none."""
    if item.get_closest_marker("browser") and not any(map(shutil.which, _BROWSERS)):
        pytest.skip("Chromium is not installed (apt-get install chromium)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was skipped, so that nobody takes a short run for a whole one."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.section("not tested here")
        for report in skipped:
            why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            terminalreporter.line(f"{report.nodeid}: {why}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failed one."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter is not None and reporter.stats.get("skipped")
    if skipped and os.environ.get("CI") == "true" and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def as_at_start() -> Iterator[None]:
    """No test sees the language, the time zone or the counted attempts of another."""
    yield
    translation.activate(settings.LANGUAGE_CODE)
    timezone.deactivate()
    cache.clear()
