"""Other schedulers, each in an environment of its own, run beside Horae on the same PostgreSQL server."""
