"""What somebody would get of a template, saved or not."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from campaigns import rendering, variables, wordings, writing
from campaigns.models import MessageTemplate, TemplateContent
from campaigns.personalisation import Values, examples
from campaigns.rendering import LinkMaker, PlainLinks, Rendered, RenderFailed, Words
from campaigns.senders import sender_of
from campaigns.writing import Wording
from crm.errors import BusinessRule, CustomerNotFound, NotFound


class NoContent(NotFound):
    """It has no words in any language."""

    code = "NO_CONTENT"


class CannotRender(BusinessRule):
    """It can't be filled in with what is known of this customer."""

    code = "RENDER_ERROR"


class Preview(NamedTuple):
    """missing: variables that are printed with nothing in their place, since nothing is known for them."""

    rendered: Rendered
    language: str
    words: Words
    missing: list[str]


def preview(
    template: MessageTemplate, *, language: str = "", customer_id: UUID | None = None, event: Any = None
) -> Preview:
    """What a customer would get, or anybody with example values. Raises NoContent, CustomerNotFound, CannotRender."""
    sender = sender_of(template.club_id)
    values = values_for(template, customer_id, event=event)
    contents = wordings.latest([template.pk])[template.pk]
    wanted = language or str(values.get("language") or "")
    content = wordings.choose(contents, wanted, wordings.fallbacks(sender, template.club))
    if content is None:
        raise NoContent
    return look_at(wordings.words_of(content), values)


def try_out(
    template: MessageTemplate, wording: Wording, *, customer_id: UUID | None = None, event: Any = None
) -> Preview:
    """As `preview`, of words that are not saved. Raises InvalidTemplate and ValidationFailed beside."""
    made = writing.make(template.channel, wording, variables.registry())
    return look_at(made.words(template.channel), values_for(template, customer_id, event=event))


def look_at(words: Words, values: Mapping[str, Any]) -> Preview:
    try:
        rendered = rendering.render(words, values, PlainLinks())
    except RenderFailed as error:
        raise CannotRender(str(error)) from None
    missing = [name for name in sorted(words.facts.required) if not _known(values, name)]
    return Preview(rendered, words.language, words, missing)


def render_for(customer_id: UUID, content: TemplateContent, links: LinkMaker) -> Rendered:
    """What one customer gets of these words. Raises CustomerNotFound, RenderFailed."""
    return rendering.render(wordings.words_of(content), values_for(content.template, customer_id), links)


def values_for(template: MessageTemplate, customer_id: UUID | None, *, event: Any = None) -> Values:
    """What is known of a customer, or the examples of the registry. Raises CustomerNotFound."""
    sender, now = sender_of(template.club_id), timezone.now()
    if customer_id is not None:
        events = {customer_id: event} if isinstance(event, dict) else None
        found = variables.load([customer_id], sender=sender, club=template.club, events=events, now=now)
        if customer_id not in found:
            raise CustomerNotFound("There is no customer with this id.")
        return found[customer_id]
    shared = variables.shared_values(
        template.club, sender, message_class="MARKETING", campaign_name=template.name, now=now
    )
    usual = examples()["club"] | {"logo": None}  # no picture of a made-up address is asked for
    shared["club"] = {name: shared["club"][name] or one for name, one in usual.items()}
    own = {name: one for name, one in examples().items() if name not in shared}
    return Values(own | ({"event": event} if isinstance(event, dict) else {}), shared)


def _known(values: Mapping[str, Any], name: str) -> bool:
    found: Any = values
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found not in (None, "", [])
