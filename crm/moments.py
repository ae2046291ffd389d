"""Which times can be meant, in what is sent and in what is asked for. Pure.

The ends of the calendar are what programs write for "never" and "unknown"; one step further, into another time zone
or by a day, is no time at all.
"""

from datetime import date

EARLIEST_YEAR, LATEST_YEAR = 1900, 2999
WORDS = f"from {EARLIEST_YEAR} to {LATEST_YEAR}"


def is_plausible(when: date) -> bool:
    """Whether a day or moment is in a year that somebody could mean."""
    return EARLIEST_YEAR <= when.year <= LATEST_YEAR
