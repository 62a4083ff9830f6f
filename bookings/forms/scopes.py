"""How far a change of one visit of a series reaches."""

from collections.abc import Mapping
from typing import Final

from django.core.exceptions import BadRequest

SCOPES: Final = ("this", "following")


def scope_in(post: Mapping[str, str]) -> str:
    """`this` visit only, or this and all `following`; raises BadRequest on anything else."""
    scope = post.get("scope") or "this"
    if scope not in SCOPES:
        raise BadRequest("no such scope")
    return scope
