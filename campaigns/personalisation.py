"""What can be said about a person in a message: the registry of variables. Pure.

Each has one spelling, in camelCase as on the wire. A name that is not here can't be used, so that a slip of the pen
is found before anything is sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, NamedTuple


class Kind(StrEnum):
    TEXT = "TEXT"
    NUMBER = "NUMBER"
    MONEY = "MONEY"  # cents
    DATE = "DATE"
    TIME = "TIME"  # a date with its time
    FLAG = "FLAG"
    LIST = "LIST"
    ADDRESS = "ADDRESS"  # of a page or picture: stands for the whole of a link
    COLOR = "COLOR"
    BLOCK = "BLOCK"  # a piece of the message that the platform writes


class About(StrEnum):
    CUSTOMER = "CUSTOMER"
    CLUB = "CLUB"
    MESSAGE = "MESSAGE"
    EVENT = "EVENT"


class Variable(NamedTuple):
    """A name that can stand in a message.

    default: what stands there where nothing is known and the template says nothing else; by language, "" for none.
    always:  whether it is known of everybody, so that nobody needs to write a default.
    tells:   the kind of personal data that it shows, as masks name it, which keep it from who may not see it.
    """

    name: str
    kind: Kind
    about: About
    description: str
    example: Any
    default: Mapping[str, str] = {}
    always: bool = False
    tells: str = ""

    def default_in(self, language: str) -> str:
        base = language.split("-")[0].lower()
        return self.default.get(base, self.default.get("en", ""))


GOLFER = {"en": "golfer", "af": "gholfspeler", "nl": "golfer", "de": "Golffreund", "fr": "golfeur", "es": "golfista",
          "pt": "golfista"}  # fmt: skip
OWN = "customFields."
EVENT = "event."
T, C = Kind, About.CUSTOMER

VARIABLES: dict[str, Variable] = {
    one.name: one
    for one in (
        Variable("firstName", T.TEXT, C, "First name.", "Thandi", GOLFER),
        Variable("lastName", T.TEXT, C, "Last name.", "Mokoena"),
        Variable("fullName", T.TEXT, C, "First and last name, or the name they go by.", "Thandi Mokoena", GOLFER),
        Variable("displayName", T.TEXT, C, "The name they go by.", "Thandi M."),
        Variable("email", T.TEXT, C, "E-mail address.", "thandi@example.com", tells="email"),
        Variable("phoneNumber", T.TEXT, C, "Phone number.", "+27 82 123 4567", tells="phone"),
        Variable("language", T.TEXT, C, "Language that they read, as a tag.", "en-ZA"),
        Variable("lifecycleStage", T.TEXT, C, "LEAD, CUSTOMER, MEMBER …", "MEMBER", always=True),
        Variable("isVip", T.FLAG, C, "Whether they are a VIP.", False, always=True),
        Variable("tags", T.LIST, C, "Their tags.", ["Seniors", "Corporate"]),
        Variable("membershipTier", T.TEXT, C, "Tier of the membership.", "Gold"),
        Variable("membershipStatus", T.TEXT, C, "State of the membership.", "ACTIVE"),
        Variable("memberSince", T.DATE, C, "Member since.", "2019-03-01"),
        Variable("membershipExpiry", T.DATE, C, "Last day of the membership.", "2027-02-28"),
        Variable("handicap", T.NUMBER, C, "Handicap index.", 14.2),
        Variable("homeClubName", T.TEXT, C, "Home club.", "Fynbos Golf Club"),
        Variable("lastBookingDate", T.DATE, C, "Day of the last round they booked that is over.", "2026-11-21"),
        Variable("nextBooking", T.TIME, C, "Tee time of the next round they booked.", "2026-12-05T08:40:00+02:00"),
        Variable("nextBookingClub", T.TEXT, C, "Club of the next round.", "Fynbos Golf Club"),
        Variable("nextBookingCourse", T.TEXT, C, "Course of the next round.", "Protea course"),
        Variable("lifetimeValue", T.MONEY, C, "What they spent so far, in cents.", 1_845_000,
                 always=True, tells="scores"),
        Variable("club.name", T.TEXT, About.CLUB, "The club that writes; the club group where it is all of them.",
                 "Fynbos Golf Club", always=True),
        Variable("club.phone", T.TEXT, About.CLUB, "Its phone number.", "+27 21 555 0100"),
        Variable("club.email", T.TEXT, About.CLUB, "Its e-mail address.", "hello@fynbosgolf.example"),
        Variable("club.address", T.TEXT, About.CLUB, "The postal address that every marketing mail must show.",
                 "1 Fairway Lane, Somerset West 7130"),
        Variable("club.website", T.ADDRESS, About.CLUB, "Its website.", "https://fynbosgolf.example"),
        Variable("club.logo", T.ADDRESS, About.CLUB, "Address of its logo.", "https://fynbosgolf.example/logo.png"),
        Variable("club.color", T.COLOR, About.CLUB, "Its colour, for buttons and bars.", "#14532d", always=True),
        Variable("campaignName", T.TEXT, About.MESSAGE, "Name of the campaign.", "December newsletter"),
        Variable("today", T.DATE, About.MESSAGE, "The day on which it is sent.", "2026-12-01", always=True),
        Variable("currency", T.TEXT, About.MESSAGE, "The currency of the club.", "ZAR", always=True),
        Variable("isService", T.FLAG, About.MESSAGE,
                 "Whether it is a service message, which nobody can unsubscribe from.", False, always=True),
        Variable("unsubscribeUrl", T.ADDRESS, About.MESSAGE, "Where they unsubscribe.",
                 "https://mail.example/t/u/…", always=True),
        Variable("preferencesUrl", T.ADDRESS, About.MESSAGE, "Where they choose what they get.",
                 "https://mail.example/t/p/…", always=True),
        Variable("viewUrl", T.ADDRESS, About.MESSAGE, "The message as a web page.", "https://mail.example/t/v/…",
                 always=True),
        Variable("footer", T.BLOCK, About.MESSAGE, "Why they get it, who writes, where to unsubscribe; put it last.",
                 "", always=True),
        Variable("reason", T.BLOCK, About.MESSAGE, "Why they get it, in a sentence.", "", always=True),
    )
}  # fmt: skip
MESSAGE_LINKS = ("unsubscribeUrl", "preferencesUrl", "viewUrl")
OWN_EXAMPLE = Variable(
    f"{OWN}shoeSize", T.TEXT, C, "Any custom field, by its key.", "9", tells="customFields"
)
EVENT_EXAMPLE = Variable(
    f"{EVENT}courseName", T.TEXT, About.EVENT,
    "Of a triggered message: anything in the payload of the event that set it off.", "Protea course",
)  # fmt: skip


class Values(dict[str, Any]):
    """What is known of one person, with what is the same for the whole batch in it.

    shared: that part alone, the same object for everybody, by which it is filled in once.
    """

    def __init__(self, own: Mapping[str, Any], shared: Mapping[str, Any]) -> None:
        super().__init__(shared)
        self.update(own)
        self.shared = shared


class Registry:
    """The variables there are, the tenant's own fields among them.

    own: custom fields by key, with their kind; None knows none of them and lets every key pass.
    """

    def __init__(self, own: Mapping[str, Kind] | None = None) -> None:
        self.own = own

    def find(self, path: Sequence[Any]) -> Variable | None:
        """The variable that a path such as ("club", "name") means; what lies inside of one, as that one."""
        name = ".".join(str(part) for part in path)
        if found := VARIABLES.get(name):
            return found
        if path[0] == "event" and len(path) > 1:
            return EVENT_EXAMPLE._replace(name=name)
        if path[0] == "customFields" and len(path) > 1:
            key = str(path[1])
            if self.own is None or key in self.own:
                return OWN_EXAMPLE._replace(name=f"{OWN}{key}", kind=(self.own or {}).get(key, Kind.TEXT))
            return None
        whole = VARIABLES.get(str(path[0]))
        return whole if whole and whole.kind is Kind.LIST and str(path[1]) in LIST_PARTS else None

    def suggest(self, path: Sequence[Any]) -> str:
        """The name that was probably meant; blank where none is near."""
        name = ".".join(str(part) for part in path)
        names = {one.lower(): one for one in self.names()}
        plain = name.lower().replace("customer.", "").replace("_", "").replace(" ", "")
        if plain in names:
            return names[plain]
        near = get_close_matches(plain, names, 1, 0.7)
        return names[near[0]] if near else ""

    def names(self) -> Iterable[str]:
        return [*VARIABLES, *(f"{OWN}{key}" for key in self.own or ())]


LIST_PARTS = frozenset({"size", "first", "last"})


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted names as the maps that templates walk: {"club.name": 1} -> {"club": {"name": 1}}."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        head, _, rest = name.partition(".")
        if rest:
            found.setdefault(head, {})[rest] = value
        else:
            found[head] = value
    return found


def examples() -> dict[str, Any]:
    """What a message is tried out with, where there is no customer to try it with."""
    values = {one.name: one.example for one in VARIABLES.values() if one.kind is not Kind.BLOCK}
    return nested(values) | {"customFields": {}, "event": {}}
