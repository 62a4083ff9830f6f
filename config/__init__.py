"""Settings, addresses, the guard of residency, and the services one laptop needs."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
