"""The texts people read: found in code and templates, kept in `locale/`, compiled when needed, without GNU gettext."""
