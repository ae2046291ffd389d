"""Streets and towns around the two clubs. Pure; house numbers are made up."""

from random import Random

STREETS = {
    "ZA": ("Protea Avenue", "Kloof Road", "Suikerbossie Street", "Main Road", "Erica Lane", "Mountain View Drive",
           "Dorpstraat", "Leeuwenhof Road", "Disa Close", "Jan Smuts Drive", "Milkwood Crescent", "Fairway Close"),
    "GB": ("Church Lane", "The Avenue", "Station Road", "Mill Hill", "Heath Road", "Orchard Close", "Kings Drive",
           "Beech Grove", "Manor Way", "Priory Gardens", "Fern Bank", "Woodside"),
}  # fmt: skip
TOWNS = {
    "ZA": (("Somerset West", "7130"), ("Stellenbosch", "7600"), ("Paarl", "7646"), ("Cape Town", "8001"),
           ("Strand", "7140"), ("Franschhoek", "7690")),
    "GB": (("Woking", "GU21"), ("Guildford", "GU1"), ("Farnham", "GU9"), ("Camberley", "GU15"), ("Ascot", "SL5"),
           ("Weybridge", "KT13")),
}  # fmt: skip


def address(rng: Random, region: str) -> dict[str, str]:
    """A home address in the shape that SCL sends."""
    town, code = rng.choice(TOWNS[region])
    if region == "GB":
        code = f"{code} {rng.randint(1, 9)}{rng.choice('ABDEFGHJLN')}{rng.choice('PQRSTUWXYZ')}"
    street = rng.choice(STREETS[region])
    return {
        "line1": f"{rng.randint(1, 140)} {street}",
        "city": town,
        "postalCode": code,
        "countryCode": region,
    }
