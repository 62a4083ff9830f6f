"""Horae's settings for the process that measures: it publishes nothing and says little."""

from config.logs import logging_settings
from config.settings import *  # noqa: F403 - all of them, but for what follows

PUBLISH_TASKS = False
LOGGING = logging_settings(level="WARNING")
