"""Ready-made templates in the open tenant: what there is to take, and what every tenant has from the start."""

from campaigns.gallery import GALLERY, Ready
from campaigns.models import MessageTemplate
from campaigns.templates import create_template, free_name
from campaigns.writing import Wording
from crm.errors import NotFound
from crm.tenancy.setup import furnishes

FROM_THE_START = ("welcome", "reengagement")


class GalleryNotFound(NotFound):
    """There is no ready-made template of this name."""

    code = "TEMPLATE_NOT_FOUND"


def take(key: str, *, by: str, name: str = "", club_id: object = None) -> MessageTemplate:
    """Make a template of a ready-made one. Raises GalleryNotFound, DuplicateResource, ValidationFailed."""
    ready = GALLERY.get(key)
    if ready is None:
        raise GalleryNotFound(
            f"There is no ready-made template “{key[:60]}”; there are {', '.join(GALLERY)}."
        )
    return create_template(
        name or free_name(ready.name, ""), by=by, channel=ready.channel, contents=wordings_of(ready), key=ready.key,
        description=ready.description, club_id=club_id,
    )  # fmt: skip


def wordings_of(ready: Ready) -> list[Wording]:
    return [
        Wording(language, one.get("subject", ""), one.get("preheader", ""), one["body"])
        for language, one in ready.contents.items()
    ]


@furnishes
def furnish_templates(*, by: str) -> int:
    """Give the open tenant the templates that it should have from the start; how many were missing.

    One that was archived stays away.
    """
    there = set(MessageTemplate.objects.values_list("key", flat=True))
    missing = [key for key in FROM_THE_START if key not in there]
    for key in missing:
        take(key, by=by)
    return len(missing)
