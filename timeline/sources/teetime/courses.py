"""Courses closed and opened again, as TeeTime tells of them. Pure."""

from timeline.catalogue import event_type
from timeline.effects import Effect, Event, Fact
from timeline.schema import key, moment, obj, read_moment, text
from timeline.sources.common import Home, effect, ident, moment_of, written

COURSE = {"clubId": Home("club_ref", ident), "courseId": Home("course_ref", ident)}
CLOSURE = COURSE | {"reason": Home("reason"), "until": Home("closed_until", read_moment)}


def course_key(event: Event) -> str:
    return f"{ident(event.payload.get('clubId'))}:{ident(event.payload['courseId'])}"


@event_type(
    "teetime.course.closed",
    source="teetime",
    aliases=("course.closed",),
    schema=obj(
        required=["courseId"],
        courseId=key(),
        clubId=key(),
        reason=text(),
        until=moment(),
        **{"from": moment()},
    ),
)
def course_closed(event: Event) -> Effect:
    """A course closed, for weather or work."""
    values = written(event.payload, CLOSURE) | {"is_closed": True, "closed_from": moment_of(event, "from")}
    return effect(event, facts=[Fact("course_closure", course_key(event), values, person=None)])


@event_type(
    "teetime.course.reopened",
    source="teetime",
    aliases=("course.reopened",),
    schema=obj(required=["courseId"], courseId=key(), clubId=key(), reopenedAt=moment()),
)
def course_reopened(event: Event) -> Effect:
    """A course opened again."""
    values = written(event.payload, COURSE) | {
        "is_closed": False,
        "closed_until": moment_of(event, "reopenedAt"),
    }
    return effect(event, facts=[Fact("course_closure", course_key(event), values, person=None)])
