"""The least that django-appointment needs, in the zone of the diary, on the database it is told."""

import os

SECRET_KEY = "a benchmark protects nothing"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["PGDATABASE"],
        "HOST": os.environ["PGHOST"],
        "USER": os.environ["PGUSER"],
    }
}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "phonenumber_field",
    "appointment.apps.AppointmentConfig",
]
# The wheel ships no migrations, so all tables are made from the models as they are.
MIGRATION_MODULES = dict.fromkeys(("auth", "contenttypes", "sessions", "appointment"))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "Europe/Paris"
LOGGING_CONFIG = None
