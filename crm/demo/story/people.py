"""Who there is: the people of the two clubs, in households, with what they will do drawn once and for all. Pure."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from crm.demo.story.clubs import DemoClub


class Kind(StrEnum):
    MEMBER = "MEMBER"
    JUNIOR = "JUNIOR"
    VISITOR = "VISITOR"
    SHOPPER = "SHOPPER"
    SUBSCRIBER = "SUBSCRIBER"
    CORPORATE = "CORPORATE"


class Exit(StrEnum):
    """How somebody leaves the mailing list."""

    UNSUBSCRIBED = "UNSUBSCRIBED"
    COMPLAINED = "COMPLAINED"
    BOUNCED = "BOUNCED"


@dataclass(slots=True)
class Member:
    """A membership.

    told_at: when SCL told of it; members of old were all told of on the first night.
    ended_on, ending: the day it lapsed or was suspended, and which of the two; None while it runs.
    """

    id: int
    since: date
    told_at: datetime
    tier: str
    pays_monthly: bool
    next_tier: str = ""
    tier_changes_on: date | None = None
    ended_on: date | None = None
    ending: str = ""
    deletion: str = ""


@dataclass(slots=True)
class Player:
    """A golfer. `keenness` (0 to 1) is how readily they book, `handicap` what they start with."""

    id: str
    since: datetime
    handicap: float | None
    keenness: float
    number: str
    until: date | None = None


@dataclass(slots=True)
class Contact:
    """Someone Messaging knows. `reads` is the chance that they open a newsletter.

    stops_on: they answer STOP to the text of this day.
    """

    id: str
    since: datetime
    takes_mail: bool
    takes_sms: bool
    reads: float
    leaves_on: date | None = None
    leaves_by: Exit | None = None
    stops_on: date | None = None


@dataclass(slots=True)
class Person:
    """Someone, as all systems together know them.

    Contact points: phone in E.164; a shared one belongs to somebody else of the household, who `lends` it.
    former_email:   the address SCL had until `moved_on`, "" for most.
    """

    number: int
    kind: Kind
    club: DemoClub
    household: int
    first_name: str
    last_name: str
    woman: bool
    born: date
    address: dict[str, str]
    email: str = ""
    phone: str = ""
    shares_email: bool = False
    shares_phone: bool = False
    lends: bool = False
    login: str = ""
    former_email: str = ""
    former_name: str = ""
    moved_on: date | None = None
    member: Member | None = None
    player: Player | None = None
    contact: Contact | None = None
    extras: dict[str, str] = field(default_factory=dict)

    def email_on(self, day: date) -> str:
        """The address they used on a day."""
        return (
            self.former_email if self.former_email and self.moved_on and day < self.moved_on else self.email
        )

    @property
    def is_hard_to_tell(self) -> bool:
        """Whether their contact points alone don't say who they are."""
        return self.shares_email or self.shares_phone or self.lends or not self.email

    @property
    def dialled(self) -> str:
        """The phone number as people of the club's country write it."""
        if self.phone.startswith("+27"):
            return f"0{self.phone[3:5]} {self.phone[5:8]} {self.phone[8:]}"
        if self.phone.startswith("+44"):
            return f"0{self.phone[3:7]} {self.phone[7:]}"
        return self.phone

    def is_member_on(self, day: date) -> bool:
        member = self.member
        if member is None or member.told_at.date() > day:
            return False
        return member.ended_on is None or day < member.ended_on

    def plays_on(self, day: date) -> bool:
        player = self.player
        return (
            player is not None and player.since.date() < day and (player.until is None or day < player.until)
        )
