"""The evidence in the admin; importing the modules registers their pages."""

from audit.admin import records

__all__ = ["records"]
