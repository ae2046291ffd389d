"""Every setting of Fairway: values only, read from the environment by crm.env."""

import sys
from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import NONE, SELF

from crm import env

django_stubs_ext.monkeypatch()  # ModelForm[Club] and the like, at run time too

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

DEBUG = env.flag("DEBUG", default=False)
EMBEDDED = env.flag("FAIRWAY_EMBEDDED", default=False)
TESTING = "pytest" in sys.modules
SECRET_KEY = env.text("SECRET_KEY") or env.text("CRM_SECRET_KEY") or "unset-secret-key-see-check-crm-E001"
SECRET_KEY_FALLBACKS = env.items("SECRET_KEY_FALLBACKS")
FERNET_KEYS = env.fernet_keys("FERNET_KEYS")
SUPPRESSION_KEYS = env.items("SUPPRESSION_KEYS")
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.items("CSRF_TRUSTED_ORIGINS")
PUBLIC_URL = env.text("PUBLIC_URL", f"http://127.0.0.1:{env.number('PORT', 8000)}")
SECURE = PUBLIC_URL.startswith("https://")

INSTALLED_APPS = [
    "crm.staff.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "axes",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "crm",
    "crm.tenancy",
    "crm.outbox",
    "customers",
    "timeline",
    "segments",
    "campaigns",
]

MIDDLEWARE = [
    "crm.observability.RequestMiddleware",
    "crm.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "crm.tenancy.middleware.TenantMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
FORM_RENDERER = "crm.forms.Renderer"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- data
# The owner's role changes the schema, the application's role only rows: migrations and the test runner, which
# makes databases, run as the owner.
DATABASE_URL = env.text("DATABASE_URL") or env.text("CRM_DATABASE_URL") or "postgresql://localhost/fairway"
OWNER_COMMANDS = {"migrate", "makemigrations", "sqlmigrate", "showmigrations", "squashmigrations", "test"}
AS_OWNER = TESTING or (len(sys.argv) > 1 and sys.argv[1] in OWNER_COMMANDS)
DATABASE: dict[str, Any] = env.postgres((AS_OWNER and env.text("MIGRATION_DATABASE_URL")) or DATABASE_URL)
DATABASE["CONN_HEALTH_CHECKS"] = True
TIMEOUTS = {
    "lock_timeout": env.number("LOCK_TIMEOUT_SECONDS", 10),
    # A process that freezes inside a transaction is cut off: its locks are free, and others do its work.
    "idle_in_transaction_session_timeout": env.number("IDLE_TRANSACTION_TIMEOUT_SECONDS", 30),
    "statement_timeout": env.number("STATEMENT_TIMEOUT_SECONDS", 60),
}
if AS_OWNER:  # an index of a large table takes its time, and a test may stop to think
    TIMEOUTS |= {"idle_in_transaction_session_timeout": 120, "statement_timeout": 0}
DATABASE["OPTIONS"] = {
    "connect_timeout": 5,
    "options": " ".join(f"-c {name}={seconds}s" for name, seconds in TIMEOUTS.items()),
}
if pool_size := env.number(
    "DATABASE_POOL", 0
):  # the web's threads share a pool; workers keep one connection each
    # A pool that gives up soon asks again with the next request; one that is patient backs off for minutes.
    pool = {"min_size": 1, "max_size": pool_size, "timeout": 10, "reconnect_timeout": 3}
    DATABASE["OPTIONS"]["pool"] = pool
else:
    DATABASE["CONN_MAX_AGE"] = 60
DATABASES = {"default": DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "fairway",
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 1.0},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# --- people who log in
AUTH_USER_MODEL = "tenancy.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "full_name"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
AXES_FAILURE_LIMIT = 20
AXES_COOLOFF_TIME = 1
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_PARAMETERS = "crm.tenancy.lockout.parameters"
AXES_USERNAME_CALLABLE = "crm.tenancy.lockout.username"
AXES_CLIENT_IP_CALLABLE = "crm.tenancy.access.client_ip"
AXES_LOCKOUT_CALLABLE = "crm.tenancy.lockout.locked_out"
AXES_RESET_ON_SUCCESS = False  # crm.staff.entry forgives the account that got in, not all from its address
AXES_DISABLE_ACCESS_LOG = True  # the audit log has it
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_USERNAME_FORM_FIELD = "username"

PASSWORD_RESET_TIMEOUT = 24 * 3600

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "fairway_session", "fairway_csrf"
SECURE_SSL_REDIRECT = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- mail to staff
EMAIL_SERVER = env.mail_server("EMAIL_URL")
EMAIL_FROM = env.text("EMAIL_FROM", "Fairway <fairway@localhost>")

# --- the Messaging service
MESSAGING_URL = env.address("MESSAGING_URL")
MESSAGING_TOKEN = env.text("MESSAGING_TOKEN")
MESSAGING_KEY_SECONDS = env.number("MESSAGING_KEY_SECONDS", 86_400)
MESSAGING_CALLBACK_SECRET = env.text("MESSAGING_CALLBACK_SECRET")

# --- messages to customers
SEND_MESSAGES = env.flag("SEND_MESSAGES", default=True)
CAMPAIGN_EMAIL_SERVER = env.mail_server("CAMPAIGN_EMAIL_URL")
DKIM_KEY = env.rsa_key("DKIM_KEY")
DKIM_SELECTOR = env.text("DKIM_SELECTOR", "fairway")
ANYMAIL_PROVIDER = env.text("ANYMAIL_PROVIDER")
ANYMAIL = {"IGNORE_UNSUPPORTED_FEATURES": True, "REQUESTS_TIMEOUT": 20, **env.mapping("ANYMAIL")}
TWILIO_URL = env.address("TWILIO_URL", "https://api.twilio.com")
TWILIO_ACCOUNT_SID = env.text("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = env.text("TWILIO_AUTH_TOKEN")
TWILIO_FROM = env.text("TWILIO_FROM")
TWILIO_CALLBACK_URL = env.address("TWILIO_CALLBACK_URL")
FCM_URL = env.address("FCM_URL", "https://fcm.googleapis.com")
FCM_CREDENTIALS = env.service_account("FCM_CREDENTIALS")
WHATSAPP_URL = env.address("WHATSAPP_URL", "https://graph.facebook.com/v24.0")
WHATSAPP_TOKEN = env.text("WHATSAPP_TOKEN")
WHATSAPP_NUMBER_ID = env.text("WHATSAPP_NUMBER_ID")
WHATSAPP_APP_SECRET = env.text("WHATSAPP_APP_SECRET")
WHATSAPP_VERIFY_TOKEN = env.text("WHATSAPP_VERIFY_TOKEN")

# --- words, times, files
LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "crm" / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "crm" / "static"]
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = EMBEDDED or DEBUG or TESTING
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024 + 1024
SILENCED_SYSTEM_CHECKS = ["security.W008"] if EMBEDDED else []

# --- the API
API_BODY_LIMIT = 1024 * 1024
EVENTS_BODY_LIMIT = 4 * 1024 * 1024
EVENTS_PER_CALL = 1000
LIMITS_PER_MINUTE = {"read": 1000, "write": 100, "events": 600, "campaigns": 10, "social": 30}
JWT_ISSUERS = env.entries("JWT_ISSUERS")
JWT_SECRET = env.text("JWT_SECRET")
JWT_JWKS_URL = env.text("JWT_JWKS_URL")
JWT_ISSUER = env.text("JWT_ISSUER")
JWT_AUDIENCE = env.text("JWT_AUDIENCE")
JWT_TENANTS = env.items("JWT_TENANTS")
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["crm.rest.authentication.CredentialAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["crm.rest.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["crm.rest.parsing.StrictJSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["crm.rest.throttling.CredentialThrottle"],
    "DEFAULT_PAGINATION_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "crm.rest.schema.ApiSchema",
    "EXCEPTION_HANDLER": "crm.rest.errors.handle",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Fairway API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": "People, their timelines, and the events that both are made of. See docs/api.md.",
    "SERVE_INCLUDE_SCHEMA": False,
    # Choices stay where they are used: no names to invent for them.
    "POSTPROCESSING_HOOKS": ["crm.rest.examples.add_examples"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "filter": True, "validatorUrl": None},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- work in the background
CELERY_BROKER_URL = env.text("BROKER_URL", REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CONSUMER = "crm.worker:Consumer"
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CHANNEL_ERROR_RETRY = (
    True  # a Redis that is full refuses commands, and is no reason to die either
)
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever: nobody should have to restart a worker
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3 * CELERY_TASK_TIME_LIMIT,
    "socket_connect_timeout": 0.5,
    "socket_timeout": 5,
    "max_retries": 0,  # a nudge must not wait; worker and beat have retries of their own
    "global_keyprefix": "fairway:",
} if CELERY_BROKER_URL.startswith("redis") else {}  # fmt: skip
CELERY_TASK_PUBLISH_RETRY = False
CELERY_DB_REUSE_MAX = 1000
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "crm.schedule:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5

# --- what operators decide
METRICS_TOKEN = env.text("METRICS_TOKEN")
WORKER_METRICS_PORT = env.number("WORKER_METRICS_PORT", 0)
OUTBOUND_STREAM_LENGTH = env.number("OUTBOUND_STREAM_LENGTH", 100_000)
OUTBOX_DAYS = env.number("OUTBOX_DAYS", 7)
EVENT_BODY_DAYS = env.number("EVENT_BODY_DAYS", 90)
DEAD_LETTER_DAYS = env.number("DEAD_LETTER_DAYS", 90)
SCANNER_NETWORKS = env.items("SCANNER_NETWORKS")  # whose clicks are no person's, beside those we know
SEGMENT_REFRESH_SECONDS = env.number("SEGMENT_REFRESH_SECONDS", 120)

# --- logs
LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
LOG_FORMAT = env.text("LOG_FORMAT", "json")
LOGGING_CONFIG = "crm.observability.configure_logging"
LOGGING = {"level": LOG_LEVEL, "format": LOG_FORMAT}
