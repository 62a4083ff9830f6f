"""Addresses of the whole house; each app owns what lies below its line."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from audit.views import record_schema
from config import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("schemas/audit-record-v1.json", record_schema, name="record-schema"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
if settings.DEMO:
    urlpatterns.append(path("demo/mail/", include("notifications.urls")))
urlpatterns.append(path("", include("bookings.urls")))

handler400 = "bookings.views.errors.bad_request"
handler403 = "bookings.views.errors.permission_denied"
handler404 = "bookings.views.errors.not_found"
handler500 = "bookings.views.errors.server_error"
