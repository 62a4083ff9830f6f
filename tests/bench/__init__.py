"""How fast Horae is, beside others and beside itself: `make bench`, one run on one throw-away PostgreSQL."""
