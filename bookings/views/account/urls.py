"""Addresses below /me/."""

from django.urls import URLPattern, path

from bookings.views.account import consents, contact, entering, people, security

urlpatterns: list[URLPattern] = [
    path("", entering.start, name="me"),
    path("code/", entering.code, name="me-code"),
    path("code/send/", entering.send_again, name="me-code-send"),
    path("second/", entering.second, name="me-second"),
    path("passkey/", entering.passkey, name="me-passkey"),
    path("passkey/options/", entering.passkey_options, name="me-passkey-options"),
    path("sign-out/", entering.sign_out, name="me-sign-out"),
    path("contact/", contact.show, name="me-contact"),
    path("contact/address/", contact.change, name="me-contact-change"),
    path("contact/code/", contact.code, name="me-contact-code"),
    path("contact/code/send/", contact.send_again, name="me-contact-send"),
    path("contact/language/", contact.speak, name="me-contact-language"),
    path("contact/wishes/<str:record>/", contact.wish, name="me-contact-wishes"),
    path("consents/", consents.consents, name="me-consents"),
    path("people/", people.people, name="me-people"),
    path("people/<int:person>/end/", people.end, name="me-people-end"),
    path("people/<int:person>/leave/", people.leave, name="me-people-leave"),
    path("security/", security.show, name="me-security"),
    path("security/app/", security.app, name="me-app"),
    path("security/app/begin/", security.begin_app, name="me-app-begin"),
    path("security/app/remove/", security.remove_app, name="me-app-remove"),
    path("security/passkeys/", security.add_passkey, name="me-passkey-add"),
    path("security/passkeys/options/", security.passkey_options, name="me-passkey-add-options"),
    path("security/passkeys/<int:passkey>/remove/", security.remove_passkey, name="me-passkey-remove"),
]
