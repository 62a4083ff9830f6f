"""How gunicorn serves Horae: threads, the house's log, and no access log of its own (it would write paths)."""

import os
from pathlib import Path

from config.logs import logging_settings

bind = f"{os.environ.get('HORAE_BIND', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "3"))  # more only take turns at the interpreter, holding locks meanwhile
worker_class = "gthread"
preload_app = True  # a refusal at boot ends the server instead of starting workers again and again
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - memory, not a disk that may stall
timeout = 60
graceful_timeout = 15
keepalive = 5
accesslog = None
control_socket_disable = True
logconfig_dict = {
    **logging_settings(level=os.environ.get("LOG_LEVEL", "INFO")),
    "loggers": {"gunicorn.error": {"handlers": [], "propagate": True}},
}
