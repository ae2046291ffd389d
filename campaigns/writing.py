"""The words of a template in one language, as staff write them: checked, and made into what is kept."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from campaigns import compiling, wordings
from campaigns.checking import InvalidTemplate, check_words
from campaigns.liquid import Problem
from campaigns.markup import wrong_with_address
from campaigns.models import Link, MessageTemplate, TemplateContent
from campaigns.personalisation import Registry
from campaigns.rendering import Words, texts_of
from campaigns.stencil import cover
from crm.errors import Detail, ValidationFailed
from crm.tenancy.scope import current_tenant
from customers.models.consent import Channel

TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\Z")
# What a channel has beside its text, and what of that must be there.
EXTRAS = {
    Channel.PUSH: ({"link", "imageUrl"}, set()),
    Channel.WHATSAPP: ({"templateName", "parameters", "templateLanguage"}, {"templateName"}),
}
LONGEST = {"subject": 300, "preheader": 300}
MOST_PARAMETERS = 20


class Wording(NamedTuple):
    """What is said in one language. text: the plain part of an e-mail; made from the body where it is blank."""

    language: str
    subject: str = ""
    preheader: str = ""
    body: str = ""
    text: str = ""
    extra: Mapping[str, Any] = {}


class Made(NamedTuple):
    """A wording with what was made of it."""

    wording: Wording
    html: str
    text: str
    links: Sequence[str]

    def words(self, channel: str) -> Words:
        one = self.wording
        return wordings.as_words(
            channel, one.language, one.subject, self.html, self.text, self.links, one.extra
        )


def language_tag(text: str) -> str:
    """A language as BCP 47 writes it: af, en-ZA. Raises ValidationFailed."""
    tag = text.strip().replace("_", "-")
    if not TAG.match(tag) or len(tag) > 35:
        words = f"“{text[:40]}” is no language tag, such as en or en-ZA."
        raise ValidationFailed(words, details=[Detail("language", "INVALID_FIELD", words)])
    base, *rest = tag.split("-")
    return "-".join([base.lower(), *(part.upper() if len(part) == 2 else part for part in rest)])


def make(channel: str, wording: Wording, registry: Registry) -> Made:
    """Check a wording and make of it what is kept. Raises InvalidTemplate with every place, ValidationFailed."""
    wording = wording._replace(language=language_tag(wording.language))
    problems = _shape(channel, wording) + _around(channel, wording, registry)
    made: compiling.Compiled | None = None
    try:
        if channel == Channel.EMAIL:
            made = compiling.compile_email(
                wording.body, text=wording.text, preheader=wording.preheader, language=wording.language,
                registry=registry,
            )  # fmt: skip
        else:
            made = compiling.compile_text(wording.body, registry=registry)
    except InvalidTemplate as error:
        problems += error.problems
    if problems or made is None:
        raise InvalidTemplate(problems)
    links = list(made.links)
    if (link := wording.extra.get("link")) and link not in links:
        links.append(link)
    return Made(wording, made.html, made.text, links)


def _shape(channel: str, wording: Wording) -> list[Problem]:
    """What is missing, and what this channel has no place for."""
    found = [
        (name, "TOO_LONG", f"it is longer than {most} characters")
        for name, most in LONGEST.items()
        if len(getattr(wording, name)) > most
    ]
    if channel in (Channel.EMAIL, Channel.PUSH) and not wording.subject.strip():
        found.append(("subject", "MISSING_FIELD", "it needs a subject"))
    if channel in (Channel.SMS, Channel.WHATSAPP) and wording.subject:
        found.append(("subject", "INVALID_FIELD", "there is no subject on this channel"))
    if channel != Channel.EMAIL:
        found += [
            (name, "INVALID_FIELD", "only e-mails have one")
            for name in ("preheader", "text")
            if getattr(wording, name)
        ]
        if not wording.body.strip():
            found.append(("body", "MISSING_FIELD", "it is empty"))
    allowed, needed = EXTRAS.get(Channel(channel), (set(), set()))
    given = set(wording.extra)
    found += [
        ("extra", "UNKNOWN_FIELD", f"“{name}” is not known on this channel")
        for name in sorted(given - allowed)
    ]
    found += [("extra", "MISSING_FIELD", f"it needs “{name}”") for name in sorted(needed - given)]
    found += [("extra", "INVALID_FIELD", words) for words in _wrong_values(wording.extra)]
    return [Problem(part, 0, 0, code, words) for part, code, words in found]


def _wrong_values(extra: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in extra.items():
        if name == "parameters":
            is_fit = isinstance(value, list) and all(
                isinstance(one, str) and len(one) <= 1000 for one in value
            )
            if not is_fit or len(value) > MOST_PARAMETERS:
                found.append(f"“parameters” is a list of at most {MOST_PARAMETERS} texts")
        elif not isinstance(value, str) or len(value) > 2000:
            found.append(f"“{name}” is a text of at most 2,000 characters")
    return found


def _around(channel: str, wording: Wording, registry: Registry) -> list[Problem]:
    """What is wrong with the parts around the body: the preheader is looked at with it."""
    parts = {"subject": wording.subject}
    parts |= {f"extra.{name}": text for name, text in texts_of(wording.extra)}
    found = check_words(parts, registry)
    for name in ("link", "imageUrl"):
        address = wording.extra.get(name)
        if isinstance(address, str) and address:
            covered = cover(address)
            if wrong := wrong_with_address(covered.text, covered.piece, registry):
                found.append(Problem(f"extra.{name}", 0, 0, "BROKEN_LINK", wrong))
    return found


def keep(template: MessageTemplate, made: Made, *, revision: int, by: str) -> TemplateContent:
    """Store a wording as the revision that counts from now on, with its links."""
    one = made.wording
    content = TemplateContent(
        tenant=current_tenant(), template=template, language=one.language, revision=revision, subject=one.subject,
        preheader=one.preheader, body=one.body, html=made.html, text=made.text, plain=one.text,
        extra=dict(one.extra), created_by=by,
    )  # fmt: skip
    content.save(force_insert=True)
    Link.objects.bulk_create(
        Link(tenant=content.tenant, content=content, position=position, url=url)
        for position, url in enumerate(made.links)
    )
    return content
