"""Horae's settings: one base, told by the environment; with nothing set, one laptop."""

from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import NONE, SELF

from config import env as environment
from config.embedded import postgres
from config.languages import languages
from config.logs import logging_settings

django_stubs_ext.monkeypatch()  # ManyToManyField[…] and ModelAdmin[…] are types to the checker and no error at run time

env = environment.reader()
ROOT = environment.ROOT
DATA: Path = environment.data_folder(env)
DEMO = env.bool("HORAE_DEMO", False)
BASE_URL = env.str("HORAE_BASE_URL", f"http://127.0.0.1:{env.int('PORT', 8000)}").rstrip("/")
HTTPS = BASE_URL.startswith("https://")

# --- the process
DEBUG = env.bool("DEBUG", False)
HORAE_VERSION = "0.1.0"
SECRET_KEY = environment.secret_key(env, data=DATA, demo=DEMO)
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [BASE_URL.split("://", 1)[1].rsplit(":", 1)[0], "127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = [BASE_URL]
CSRF_FAILURE_VIEW = "bookings.views.errors.csrf_failure"
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
SEED_PATIENTS = env.int("HORAE_SEED_PATIENTS", 300)
SEED_WEEKS = env.int("HORAE_SEED_WEEKS", 4)
LOGGING = logging_settings(level=env.str("LOG_LEVEL", "INFO"))
INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "calendars",
    "notifications",
    "bookings",
    "audit",
    "config.apps.HoraeAdminConfig",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
]
MIDDLEWARE = [
    "config.middleware.request_id",
    "config.middleware.https_only",
    "config.middleware.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "config.middleware.asked_language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.request_context",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "bookings.views.account.walls.staff_door",
    "config.middleware.clinic_clock",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- where things live: each may be replaced alone
DATABASE_URL = env.str("DATABASE_URL", "") or postgres.address(home=DATA / "postgres", database="horae")
KEYS_DATABASE_URL = env.str("KEYS_DATABASE_URL", "")
REDIS_URL = env.str("REDIS_URL", f"redis+socket://{DATA / 'run' / 'redis.sock'}")
LOG_NAME = env.str("HORAE_LOG_NAME", "horae.localhost")  # names the evidence; the same for as long as it lives
WORM_URL = env.str("WORM_URL", f"file://{DATA / 'worm'}")
KEYS_URL = env.str("KEYS_URL", f"file://{DATA / 'keys' / 'keystore.json'}")
EMAIL_URL = env.str("EMAIL_URL", f"file://{DATA / 'mail'}")
FILES_URL = env.str("FILES_URL", f"file://{DATA / 'files'}")
DDL_WATCH = env.bool("HORAE_DDL_WATCH", True)  # event triggers on the database's structure, where our role may
TSA_URL = env.str("TSA_URL", "")  # empty: checkpoints carry no authority's time, and reports say so
TSA_ROOTS = env.str("TSA_ROOTS", "")  # a PEM file: whose time stamps are believed (config/timestamps.py)

APPLICATION_NAME = env.str("HORAE_PROCESS", "horae")
DATABASES = {"default": environment.database(DATABASE_URL, name="DATABASE_URL", application=APPLICATION_NAME)}
KEYS_DATABASE = "default"
DATABASE_ROUTERS: list[str] = []
if KEYS_DATABASE_URL:
    KEYS_DATABASE = "keys"
    DATABASES["keys"] = environment.database(KEYS_DATABASE_URL, name="KEYS_DATABASE_URL", application=APPLICATION_NAME)
    DATABASE_ROUTERS = ["audit.keys.router.KeysRouter"]

# --- residency: where every endpoint above must lie (config/residency.py)
JURISDICTIONS = env.list("HORAE_JURISDICTION", ["EU"])  # EU, EEA, or single countries the operator adds
RESIDENCY_HOSTS: list[str] = env.list("HORAE_HOSTS", [])  # hosts the operator declares, each `name=place`
CALENDAR_HOSTS: list[str] = env.list("HORAE_CALENDAR_HOSTS", [])
IDENTITY_PROVIDERS: list[str] = env.list(
    "HORAE_OIDC_URL", []
)  # the issuer, and other origins it sends a browser or us to
KEYS_BACKUP_DAYS = env.int("HORAE_KEYS_BACKUP_DAYS", 35)  # how long a destroyed key may live on in a backup
SOURCE_DAYS = env.int(
    "HORAE_SOURCE_DAYS", 90
)  # how long where a request came from can be read in its records; 0: never

# --- work in the background; losing Redis must cost a request at most a third of a second
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_TIMEOUT = 0.3
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 0.3,
    "socket_connect_timeout": 0.3,
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "audit.anchor": {"queue": "default"},  # waits for another's server: sealing must not wait behind it
    "audit.*": {"queue": "evidence"},
    "notifications.*": {"queue": "messages"},
    "calendars.*": {"queue": "calendars"},
}
CELERY_TASK_TIME_LIMIT = 600
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker as long as it takes
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "audit.sequence": {"task": "audit.sequence", "schedule": 2.0, "options": {"expires": 10}},
    "audit.consume": {"task": "audit.consume", "schedule": 5.0, "options": {"expires": 10}},
    "audit.seal": {"task": "audit.seal", "schedule": 10.0, "options": {"expires": 30}},
    "audit.anchor": {"task": "audit.anchor", "schedule": 600.0, "options": {"expires": 300}},
    "audit.canary": {"task": "audit.canary", "schedule": 3600.0, "options": {"expires": 3600}},
    "audit.sources": {"task": "audit.sources", "schedule": 3600.0, "options": {"expires": 3600}},
    "audit.verify": {"task": "audit.verify", "schedule": 300.0, "options": {"expires": 300}},
    "audit.erase": {"task": "audit.erase", "schedule": 300.0, "options": {"expires": 300}},
    "audit.hold": {"task": "audit.hold", "schedule": 300.0, "options": {"expires": 300}},
    "bookings.sweep_holds": {"task": "bookings.sweep_holds", "schedule": 60.0, "options": {"expires": 60}},
    "bookings.lapse": {"task": "bookings.lapse", "schedule": 60.0, "options": {"expires": 60}},
    "config.watch": {"task": "config.watch", "schedule": 60.0, "options": {"expires": 60}},
    "bookings.sweep_drafts": {"task": "bookings.sweep_drafts", "schedule": 300.0, "options": {"expires": 300}},
    "config.clear_sessions": {"task": "config.clear_sessions", "schedule": 3600.0, "options": {"expires": 3600}},
    "notifications.sweep": {"task": "notifications.sweep", "schedule": 15.0, "options": {"expires": 15}},
    "calendars.sweep": {"task": "calendars.sweep", "schedule": 15.0, "options": {"expires": 15}},
}
PUBLISH_TASKS = True  # False: rows wait for the sweep (tests)
EVIDENCE_HOME = "config"  # the app whose migrations put evidence triggers on tables of packages

# --- people and sessions
AUTH_USER_MODEL = "bookings.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/admin/"
SESSION_COOKIE_AGE = 12 * 3600
PATIENT_IDLE_MINUTES = env.int("HORAE_PATIENT_IDLE_MINUTES", 30)
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # the cookie storage would carry names

# --- what a browser is told
BEHIND_PROXY = env.bool("HORAE_BEHIND_PROXY", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
ALLAUTH_TRUSTED_PROXY_COUNT = int(BEHIND_PROXY)
SECURE_SSL_REDIRECT = False  # config.middleware answers 308, which keeps the method
SECURE_HSTS_SECONDS = 63_072_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF, *environment.origins(IDENTITY_PROVIDERS)],  # Chromium follows a form's redirects
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
        **({"upgrade-insecure-requests": True} if HTTPS else {}),
    },
}
FORMS_A_MINUTE = env.int("HORAE_FORMS_A_MINUTE", 60)  # that one source may send; many patients can share one address
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

# --- languages and time
LANGUAGE_CODE = "en"
LOCALE_PATHS = environment.locales(env)
LANGUAGES = languages(LOCALE_PATHS)
USE_TZ = True
FORMAT_MODULE_PATH = ["config.formats"]
TIME_ZONE = "UTC"

# --- files and mail
STATIC_URL = "/static/"
STATIC_ROOT = DATA / "static"
STATICFILES_DIRS = [ROOT / "static"]
STORAGES = {
    "default": environment.storage(FILES_URL),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
mail = environment.mail(EMAIL_URL)
EMAIL_BACKEND = mail.backend
EMAIL_HOST, EMAIL_PORT = mail.host, mail.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = mail.user, mail.password
EMAIL_USE_TLS, EMAIL_USE_SSL = mail.use_tls, mail.use_ssl
EMAIL_FILE_PATH = mail.folder
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("HORAE_MAIL_FROM", "horae@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
OPERATORS: list[str] = env.list("HORAE_OPERATORS", [])
ADMINS = [("operator", address) for address in OPERATORS]  # told when the evidence is behind

# --- allauth: staff only
STAFF_MFA_REQUIRED = env.bool("HORAE_STAFF_MFA", not DEMO)
STAFF_IDLE_MINUTES = env.int("HORAE_STAFF_IDLE_MINUTES", 30)
ACCOUNT_ADAPTER = "bookings.accounts.StaffAccountAdapter"
ACCOUNT_FORMS = {"login": "bookings.accounts.StaffLoginForm"}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # accounts and their addresses are made by a clinic's manager
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Horae: "
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # no mail to whoever's address somebody types
ACCOUNT_SESSION_REMEMBER = False  # a shared screen forgets when the browser is closed
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
MFA_ADAPTER = "bookings.accounts.StaffMFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True  # nobody signs up here, so nobody can squat on another's address
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
SOCIALACCOUNT_ADAPTER = "bookings.accounts.StaffSocialAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True  # once matched by address, known by the provider's own id
SOCIALACCOUNT_PROVIDERS = environment.identity_provider(env)
