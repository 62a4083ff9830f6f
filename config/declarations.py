"""Declarations of the tables that are not ours: Django's, allauth's, and the many-to-many tables between.

Each is audited, or exempt with a reason, and every field is classified, exactly as our own models are. None of these
may hold anything about a patient: a patient's account has neither name nor e-mail, `Patient.__str__` is a pseudonymous
code, and sessions carry random references only.
"""

from audit.declare import PLATFORM, OnErasure, Retention, Use, declare_audited, declare_exempt

SIGNING_IN = Use(
    activity="Staff sign-in",
    purpose="Know a member of staff by e-mail, second factor or the clinic's identity provider",
    basis="Art. 6(1)(f), 32 GDPR",
    recipients=("the clinic's identity provider",),
    retention=Retention.REGULATORY,
    duration="while the account exists; records 24 months",
    source="the staff member, the clinic's identity provider",
    subjects=("staff",),
)
SESSIONS = Use(
    activity="Web sessions",
    purpose="Keep a browser's place between two pages",
    basis="Art. 6(1)(b), 6(1)(f) GDPR",
    recipients=(),
    retention=Retention.EPHEMERAL,
    duration="12 hours after the last use",
    source="Horae",
    subjects=("patients", "visitors", "staff"),
)
ADMIN_LOG = Use(
    activity="Log of admin forms",
    purpose="Show staff what was last changed in a form",
    basis="Art. 6(1)(f) GDPR",
    recipients=("clinic managers",),
    retention=Retention.EPHEMERAL,
    duration="24 months",
    source="Horae",
    subjects=("staff",),
)
ROLES = Use(
    activity="Staff roles and permissions",
    purpose="Confine members of staff to what their role needs",
    basis="Art. 6(1)(f), 32 GDPR",
    recipients=("clinic managers", "data protection officer"),
    retention=Retention.REGULATORY,
    duration="while the account exists; records 24 months",
    source="the clinic",
    subjects=("staff",),
)

# --- roles and permissions: who was allowed what is evidence
declare_audited("auth.Group", chain=PLATFORM, use=ROLES, technical="id name")
declare_audited("auth.Group.permissions", chain=PLATFORM, use=ROLES, technical="id group permission")
declare_audited(
    "bookings.User.groups",
    chain=PLATFORM,
    use=ROLES,
    subject="user",
    on_erasure=OnErasure.DELETE,
    identity="group",
    technical="id user",
)
declare_audited(
    "bookings.User.user_permissions",
    chain=PLATFORM,
    use=ROLES,
    subject="user",
    on_erasure=OnErasure.DELETE,
    identity="permission",
    technical="id user",
)
declare_exempt(
    "auth.Permission",
    "a list Django writes from the models' own code at every migration",
    technical="id name content_type codename",
)
declare_exempt(
    "contenttypes.ContentType",
    "a list Django writes from the models' own code at every migration",
    technical="id app_label model",
)

# --- staff sign-in: the addresses and secrets themselves never stand in the evidence, only that they changed
declare_audited(
    "account.EmailAddress",
    chain=PLATFORM,
    use=SIGNING_IN,
    subject="user",
    on_erasure=OnErasure.DELETE,
    digest=("email",),
    contact="email",
    technical="id user verified primary",
)
declare_exempt(
    "account.EmailConfirmation",
    "a one-time key that lapses; the confirmed address is the evidence",
    use=SIGNING_IN,
    subject="email_address__user",
    credential="key",
    technical="id email_address created sent",
)
declare_audited(
    "mfa.Authenticator",
    chain=PLATFORM,
    use=SIGNING_IN,
    subject="user",
    on_erasure=OnErasure.DELETE,
    digest=("data",),
    credential="data",
    technical="id user type created_at last_used_at",
)
declare_audited(
    "socialaccount.SocialApp",
    chain=PLATFORM,
    use=SIGNING_IN,
    digest=("secret", "key", "settings"),
    credential="secret key settings",
    technical="id provider provider_id name client_id",
)
declare_audited(
    "socialaccount.SocialAccount",
    chain=PLATFORM,
    use=SIGNING_IN,
    subject="user",
    on_erasure=OnErasure.DELETE,
    digest=("uid", "extra_data"),
    identity="uid extra_data",
    technical="id user provider last_login date_joined",
)
declare_exempt(
    "socialaccount.SocialToken",
    "tokens of the identity provider, which Horae does not keep",
    use=SIGNING_IN,
    subject="account__user",
    credential="token token_secret",
    technical="id app account expires_at",
)

# --- what the framework keeps for itself
declare_exempt(
    "sessions.Session",
    "transient state of a browser; it holds random references and no personal data of patients",
    use=SESSIONS,
    credential="session_key session_data",
    technical="expire_date",
)
declare_exempt(
    "admin.LogEntry",
    "a convenience of the admin; every change it tells of is a record of its own, with more in it",
    use=ADMIN_LOG,
    subject="user",
    identity="user",
    audit="action_time content_type object_id object_repr action_flag change_message",
    technical="id",
)
