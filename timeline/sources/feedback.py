"""Votes on feature wishes, as the Feedback service tells of them. Pure."""

from timeline.catalogue import event_type
from timeline.effects import Effect, Event, Person
from timeline.schema import integer, key, obj, text
from timeline.sources.common import effect, entry, hints

FEATURE = obj(required=["featureId"], featureId=key(), title=text(longest=300), votes=integer())


def feedback(event: Event, type: str, what: str, *, counts: bool) -> Effect:
    title = event.payload.get("title")
    return effect(
        event,
        Person(hints(event.identity)),
        entry=entry(
            event,
            type,
            "FEEDBACK",
            f"{what}: {title}" if title else what,
            source_id=event.payload["featureId"],
            homes={"featureId"},
            counts=counts,
        ),
    )


@event_type("feedback.voted", source="feedback", schema=FEATURE)
def voted(event: Event) -> Effect:
    """Someone gave votes to a feature."""
    return feedback(event, "FEEDBACK_VOTED", "Voted for a feature", counts=True)


@event_type("feedback.unvoted", source="feedback", schema=FEATURE)
def unvoted(event: Event) -> Effect:
    """Someone took their votes back."""
    return feedback(event, "FEEDBACK_UNVOTED", "Took back the vote for a feature", counts=True)


@event_type("feedback.shipped", source="feedback", schema=FEATURE)
def shipped(event: Event) -> Effect:
    """A feature that someone voted for is there."""
    return feedback(event, "FEEDBACK_SHIPPED", "A feature voted for was shipped", counts=False)
