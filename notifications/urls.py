"""The demo's mailbox; the house mounts it only when HORAE_DEMO is on."""

from django.urls import path

from notifications import views

app_name = "mailbox"
urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("<str:mail_id>/", views.letter, name="letter"),
]
