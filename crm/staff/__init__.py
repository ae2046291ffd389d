"""The staff site: Django's admin under our own roof, with its home page, menu and log-in."""
