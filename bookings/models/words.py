"""The words in which a visit is asked for: how people meet, who is new, who pays, what somebody needs."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


def languages() -> list[tuple[str, str]]:
    """The languages of pages and texts. A function, so that a language more needs no migration."""
    return list(settings.LANGUAGES)


class VisitKind(models.TextChoices):
    """How patient and practitioner meet."""

    ON_SITE = "on-site", _("at the clinic")
    PHONE = "phone", _("by phone")
    VIDEO = "video", _("by video")
    HOME = "home", _("at the patient’s home")


class Standing(models.TextChoices):
    """Whether the clinic has seen the patient before."""

    NEW = "new", _("new patient")
    KNOWN = "known", _("known patient")


class Coverage(models.TextChoices):
    """Who pays (FHIR Coverage)."""

    STATUTORY = "statutory", _("statutory insurance")
    PRIVATE = "private", _("private insurance")
    SELF = "self", _("the patient pays")


class Need(models.TextChoices):
    """What a patient may need for the visit; a service can give it another length or another room."""

    WHEELCHAIR = "wheelchair", _("step-free access")
    INTERPRETER = "interpreter", _("an interpreter")
    SIGN_LANGUAGE = "sign-language", _("sign language")
    COMPANION = "companion", _("a companion comes along")
    MORE_TIME = "more-time", _("more time")
