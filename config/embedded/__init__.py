"""The services one laptop needs, started as ordinary child processes: PostgreSQL, Redis, and Horae's own."""
