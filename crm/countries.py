"""The countries of ISO 3166-1, by their two letters. Pure."""

from phonenumbers import SUPPORTED_REGIONS

# Regions with telephones of their own that ISO 3166-1 has no code for, and its countries that have none.
_NO_COUNTRIES = {"AC", "TA", "XK"}
_WITHOUT_TELEPHONES = {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"}
COUNTRIES = frozenset(SUPPORTED_REGIONS - _NO_COUNTRIES | _WITHOUT_TELEPHONES)
WORDS = "must be the two letters of a country in ISO 3166-1, such as ZA"


def is_country(code: str) -> bool:
    """Whether two letters, in capitals or not, are a country's."""
    return code.upper() in COUNTRIES
