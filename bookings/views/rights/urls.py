"""Addresses below /me/data/."""

from django.urls import URLPattern, path

from bookings.views.rights import copies, held, requests

urlpatterns: list[URLPattern] = [
    path("", held.held, name="my-data"),
    path("copy.json", copies.as_json, name="my-data-json"),
    path("copy.fhir.json", copies.as_fhir, name="my-data-fhir"),
    path("looks/", held.looks, name="my-data-looks"),
    path("ask/", requests.ask, name="my-data-ask"),
    path("requests/", requests.mine, name="my-data-requests"),
    path("requests/<uuid:request_id>/withdraw/", requests.withdraw, name="my-data-withdraw"),
]
