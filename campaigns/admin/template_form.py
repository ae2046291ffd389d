"""The form of one language of a template."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.models import MessageTemplate, TemplateContent
from campaigns.writing import Wording
from crm.tenancy.forms import PlainLabels
from crm.tenancy.models import Club
from customers.models.consent import Channel

CHANNELS = Channel.choices
CODE = {"spellcheck": "false", "rows": 22, "data-code": ""}
# Which fields a channel has, beside those of all.
SHOWN = {
    Channel.EMAIL: ("subject", "preheader", "body", "text"),
    Channel.SMS: ("body",),
    Channel.PUSH: ("subject", "body", "link", "image"),
    Channel.WHATSAPP: ("whatsapp_name", "parameters", "body"),
}
WORDS = ("subject", "preheader", "body", "text", "link", "image", "whatsapp_name", "parameters")


class TemplateForm(PlainLabels, forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200)
    description = forms.CharField(label=_("Description"), max_length=2000, required=False)
    channel = forms.ChoiceField(label=_("Channel"), choices=CHANNELS)
    club: Any = forms.ModelChoiceField(
        label=_("Club"), queryset=None, required=False, empty_label=_("All clubs"), help_text=_("Who writes.")
    )
    language = forms.CharField(
        label=_("Language"), max_length=35, help_text=_("A tag such as en, af or en-GB.")
    )
    subject = forms.CharField(label=_("Subject"), max_length=300, required=False)
    preheader = forms.CharField(
        label=_("Preheader"),
        max_length=300,
        required=False,
        help_text=_("Shown after the subject in the inbox."),
    )
    body = forms.CharField(label=_("Text"), required=False, strip=False, widget=forms.Textarea(attrs=CODE))
    text = forms.CharField(
        label=_("Plain part"), required=False, strip=False, widget=forms.Textarea(attrs={**CODE, "rows": 6}),
        help_text=_("Made from the text above where it is empty."),
    )  # fmt: skip
    link = forms.CharField(label=_("Link"), max_length=2000, required=False)
    image = forms.CharField(label=_("Picture"), max_length=2000, required=False)
    whatsapp_name = forms.CharField(
        label=_("WhatsApp template"), max_length=500, required=False, help_text=_("Its name at WhatsApp.")
    )
    parameters = forms.CharField(
        label=_("Parameters"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One a line."),
    )
    etag = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(
        self, *args: Any, template: MessageTemplate | None = None, channel: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        clubs: Any = self.fields["club"]
        clubs.queryset = Club.objects.order_by("name")
        if template is not None:
            del self.fields["channel"]
        for name in set(WORDS) - set(SHOWN[Channel(channel)]):
            del self.fields[name]

    def about(self) -> dict[str, Any]:
        """What goes to the use cases beside the words."""
        data, club = self.cleaned_data, self.cleaned_data["club"]
        return {
            "name": data["name"], "description": data["description"], "club_id": club.pk if club else None,
        }  # fmt: skip

    def wording(self) -> Wording:
        data = self.cleaned_data
        extra: dict[str, Any] = {"link": data.get("link"), "imageUrl": data.get("image")}
        if "whatsapp_name" in self.fields:
            lines = [line.strip() for line in data.get("parameters", "").splitlines() if line.strip()]
            extra |= {"templateName": data.get("whatsapp_name"), "parameters": lines}
        given = {name: value for name, value in extra.items() if value}
        # Browsers send ends of lines as CR LF; places are counted, and words compared, by LF alone.
        body, text = (data.get(name, "").replace("\r\n", "\n") for name in ("body", "text"))
        return Wording(
            data.get("language", "en"), data.get("subject", ""), data.get("preheader", ""), body, text, given
        )


def initial_of(
    template: MessageTemplate, content: TemplateContent | None, language: str
) -> Mapping[str, Any]:
    about = {
        "name": template.name, "description": template.description, "club": template.club_id, "language": language,
        "etag": template.etag,
    }  # fmt: skip
    if content is None:
        return about
    extra = content.extra
    return about | {
        "subject": content.subject, "preheader": content.preheader, "body": content.body, "text": content.plain,
        "link": extra.get("link", ""), "image": extra.get("imageUrl", ""),
        "whatsapp_name": extra.get("templateName", ""), "parameters": "\n".join(extra.get("parameters", [])),
    }  # fmt: skip
