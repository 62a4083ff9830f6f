"""Public holidays by country and region, from the `holidays` library."""

from datetime import date
from functools import lru_cache

import holidays


@lru_cache(maxsize=1024)
def of_year(*, country: str, subdivision: str, year: int) -> frozenset[date]:
    """The public holidays of one year; none for a country the library does not know.

    `country` is ISO 3166-1 alpha-2, `subdivision` the part of ISO 3166-2 after the country; one the library does not
    know counts as the whole country.
    """
    try:
        known = subdivision in holidays.list_supported_countries(include_aliases=True)[country]
        return frozenset(holidays.country_holidays(country, subdiv=subdivision if known else None, years=year))
    except (KeyError, NotImplementedError):
        return frozenset()
