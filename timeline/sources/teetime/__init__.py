"""TeeTime: players, bookings, rounds, competitions and courses."""

from timeline.sources.teetime import bookings, competitions, courses, players, rounds

__all__ = ["bookings", "competitions", "courses", "players", "rounds"]
