"""Horae's settings, with the tables of the recorders beside its own."""

from tests.bench.settings import *  # noqa: F403 - all of them, but for what follows
from tests.bench.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.bench.recorders"]
