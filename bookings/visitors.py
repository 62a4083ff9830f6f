"""A visitor of the booking pages: a random first-party id kept in the session, never a fingerprint."""

import hashlib


def visitor_digest(visitor: str) -> str:
    """What tables keep of a visitor's id: its SHA-256 in hex."""
    return hashlib.sha256(visitor.encode()).hexdigest()
