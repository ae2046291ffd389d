"""What the demo's staff noted down about people: who says what, to whom. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from crm.demo.story.clubs import FYNBOS

SHARE = 0.05  # of the members somebody has noted something about
PIETER, IMOGEN, THANDI = "staff", "marketing", "admin"
LOCAL = {PIETER: FYNBOS.ref}  # works for one club only


@dataclass(frozen=True, slots=True)
class Remark:
    """A note to be. {first} is the person's first name, {pieter} and the like mention a colleague."""

    by: str
    type: str
    text: str
    visibility: str = "ALL"
    is_pinned: bool = False
    due_in: int | None = None


REMARKS = (
    Remark(
        PIETER, "CALL", "Rang to move Saturday's tee time to the afternoon; 13:40 suits. **Walks, no cart.**"
    ),
    Remark(PIETER, "GENERAL", "Severe nut allergy. Tell the halfway house *every* time.", is_pinned=True),
    Remark(PIETER, "GENERAL", "Left-handed; has borrowed our demo driver twice now."),
    Remark(
        PIETER,
        "COMPLAINT",
        (
            "Waited 40 minutes on the 10th tee on competition day. Apologised, stood a round "
            "of drinks.\n\n- asks for a marshal on the back nine\n- will write to the committee\n\n"
            "{thandi} could you answer the letter?"
        ),
    ),
    Remark(
        PIETER,
        "FOLLOW_UP",
        "Wants a quote for {first}'s company day: 24 players, shotgun start, lunch.",
        due_in=9,
    ),
    Remark(
        PIETER,
        "MEETING",
        (
            "Showed a prospective member round with {first}. Both joined us for coffee; the "
            "friend plays off 11."
        ),
    ),
    Remark(
        PIETER,
        "GENERAL",
        "Knee operation in spring: offer a cart without being asked.",
        "STAFF",
        is_pinned=True,
    ),
    Remark(PIETER, "CALL", "Locker key lost. Spare handed out, **R 150** on the account as agreed."),
    Remark(PIETER, "EMAIL", "Sent the dress code and the map for first-time guests."),
    Remark(IMOGEN, "GENERAL", "Happy to be in the members' magazine: photo and two sentences by the 20th."),
    Remark(
        IMOGEN,
        "CALL",
        "Asked why the newsletter stopped. Had opted out by mistake; sent the preference page.",
    ),
    Remark(
        IMOGEN,
        "MEETING",
        (
            "Talked about the ladies' section. {first} would lead Tuesday mornings if we "
            "find **eight** players."
        ),
    ),
    Remark(
        IMOGEN,
        "FOLLOW_UP",
        "Interested in the 7-day upgrade once the bonus is known. Ring, don't write.",
        "MARKETING",
        due_in=21,
    ),
    Remark(IMOGEN, "EMAIL", "Sponsor of hole 7 again this year. Contract is with {thandi}."),
    Remark(
        IMOGEN,
        "COMPLAINT",
        (
            "Two e-mails about the same competition on one day. Fair point: ~~our mistake~~ "
            "*the template's* mistake."
        ),
    ),
    Remark(IMOGEN, "GENERAL", "Brings guests from Germany every October; likes to be asked early."),
    Remark(THANDI, "MEETING", "Offered {first} the vice-captaincy. Answer by the end of the month.", "ADMIN"),
    Remark(
        THANDI,
        "GENERAL",
        "Payment plan agreed: three instalments, no reminders until the last one is due.",
        "MARKETING",
        is_pinned=True,
    ),
    Remark(
        THANDI,
        "CALL",
        ("Considering not to renew, mostly about practice facilities. {imogen} please keep this one warm."),
    ),
    Remark(THANDI, "GENERAL", "Family matter; prefers not to be called before noon for now.", "PRIVATE"),
    Remark(
        THANDI,
        "FOLLOW_UP",
        "Committee decides on the hardship request. Let {first} know the same day.",
        "ADMIN",
        due_in=14,
    ),
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A remark about the person with this number in the list, when it was made, and when it is due."""

    person: int
    remark: Remark
    at: datetime
    due_on: date | None


def remarks(clubs: Sequence[str], *, seed: int, as_of: datetime) -> Iterator[Placed]:
    """The notes about people whose clubs are `clubs`, the same for the same arguments; all before `as_of`."""
    rng = Random(f"{seed}/remarks")  # noqa: S311 - a story, not a secret
    number = max(1, round(SHARE * len(clubs)))
    deck: list[Remark] = []
    for person in rng.sample(range(len(clubs)), number) if clubs else ():
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            remark = _draw(deck, clubs[person], rng)
            day = as_of - timedelta(days=rng.betavariate(1, 3) * 120, minutes=5)
            at = day.replace(hour=rng.randrange(7, 17), minute=rng.randrange(60), second=0, microsecond=0)
            due = (at + timedelta(days=remark.due_in)).date() if remark.due_in else None
            yield Placed(person, remark, min(at, as_of), due)


def _draw(deck: list[Remark], club: str, rng: Random) -> Remark:
    """The next remark that somebody of this club makes; none comes again before the others have come."""
    while True:
        for remark in deck:
            if LOCAL.get(remark.by, club) == club:
                deck.remove(remark)
                return remark
        deck.extend(rng.sample(REMARKS, len(REMARKS)))
