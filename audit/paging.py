"""Pages of long tables, without counting them to the end."""

from functools import cached_property
from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import QuerySet

MOST_COUNTED: Final = 10_000


class BoundedPaginator(Paginator[Any]):
    """Counts up to 10,000 rows and offers no page after them: whoever looks for an older row narrows the list."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, at most 10,000."""
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[:MOST_COUNTED].count()
        return len(rows)
