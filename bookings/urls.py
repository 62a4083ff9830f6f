"""Addresses of the patient's pages."""

from django.urls import include, path

from bookings.views import (
    answering,
    appointments,
    clinics,
    codes,
    confirming,
    drafts,
    embed,
    finding,
    moving,
    participants,
    times,
)

app_name = "bookings"

urlpatterns = [
    path("", clinics.home, name="home"),
    path("find/", finding.ask, name="find"),
    path("find/code/", finding.code, name="find-code"),
    path("find/appointments/", finding.found, name="found"),
    path("a/<str:token>/", appointments.manage, name="manage"),
    path("a/<str:token>/code/", appointments.code, name="manage-code"),
    path("a/<str:token>/booked/", appointments.booked, name="booked"),
    path("a/<str:token>/confirm/", confirming.confirm, name="confirm"),
    path("a/<str:token>/slip/", appointments.slip, name="slip"),
    path("a/<str:token>/cancel/", appointments.cancel, name="cancel"),
    path("a/<str:token>/move/", moving.move, name="move"),
    path("a/<str:token>/accept/", answering.accept, name="accept"),
    path("a/<str:token>/decline/", answering.decline, name="decline"),
    path("a/<str:token>/appointment.ics", appointments.ics_file, name="ics"),
    path("me/", include("bookings.views.account.urls")),
    path("me/data/", include("bookings.views.rights.urls")),
    path("p/<str:token>/", participants.participant, name="participant"),
    path("c/<slug:clinic>/", clinics.clinic, name="clinic"),
    path("c/<slug:clinic>/accent.css", clinics.accent, name="accent"),
    path("c/<slug:clinic>/logo/", clinics.logo, name="logo"),
    path("c/<slug:clinic>/embed/", embed.start, name="embed-start"),
    path("c/<slug:clinic>/embed/<slug:language>/", embed.services, name="embed"),
    path("c/<slug:clinic>/embed/<slug:language>/<slug:service>/", embed.times, name="embed-times"),
    path("c/<slug:clinic>/imprint/", clinics.imprint, name="imprint"),
    path("c/<slug:clinic>/privacy/", clinics.privacy, name="privacy"),
    path("c/<slug:clinic>/accessibility/", clinics.accessibility, name="accessibility"),
    path("c/<slug:clinic>/book/<uuid:draft>/", drafts.details, name="details"),
    path("c/<slug:clinic>/book/<uuid:draft>/language/", drafts.language, name="draft-language"),
    path("c/<slug:clinic>/book/<uuid:draft>/extend/", drafts.extend, name="extend"),
    path("c/<slug:clinic>/book/<uuid:draft>/code/", codes.code, name="code"),
    path("c/<slug:clinic>/book/<uuid:draft>/code/send/", codes.send, name="send-code"),
    path("c/<slug:clinic>/<slug:service>/", times.times, name="times"),
    path("c/<slug:clinic>/<slug:service>/together/", times.together, name="together"),
    path("c/<slug:clinic>/<slug:service>/hold/", times.hold, name="hold"),
]
