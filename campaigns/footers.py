"""What every marketing mail says at its end, in the language of the mail. Pure."""

from typing import NamedTuple


class Phrases(NamedTuple):
    """{club} stands for the name of the club."""

    reason: str
    service: str
    unsubscribe: str
    preferences: str
    view: str


PHRASES = {
    "en": Phrases(
        "You get this e-mail because you agreed to hear from {club}.",
        "You get this e-mail because it is about your membership or a booking at {club}.",
        "Unsubscribe", "Choose what you get", "View in your browser",
    ),
    "af": Phrases(
        "U ontvang hierdie e-pos omdat u ingestem het om van {club} te hoor.",
        "U ontvang hierdie e-pos omdat dit oor u lidmaatskap of ’n bespreking by {club} gaan.",
        "Teken uit", "Kies wat u ontvang", "Bekyk in u blaaier",
    ),
    "nl": Phrases(
        "U ontvangt deze e-mail omdat u berichten van {club} wilt ontvangen.",
        "U ontvangt deze e-mail omdat het om uw lidmaatschap of een boeking bij {club} gaat.",
        "Afmelden", "Kies wat u ontvangt", "Bekijk in uw browser",
    ),
    "de": Phrases(
        "Sie erhalten diese E-Mail, weil Sie Nachrichten von {club} bestellt haben.",
        "Sie erhalten diese E-Mail, weil es um Ihre Mitgliedschaft oder eine Buchung bei {club} geht.",
        "Abmelden", "Auswählen, was Sie erhalten", "Im Browser ansehen",
    ),
    "fr": Phrases(
        "Vous recevez cet e-mail car vous avez accepté de recevoir des nouvelles de {club}.",
        "Vous recevez cet e-mail car il concerne votre adhésion ou une réservation chez {club}.",
        "Se désabonner", "Choisir ce que vous recevez", "Voir dans le navigateur",
    ),
    "es": Phrases(
        "Recibe este correo porque aceptó recibir noticias de {club}.",
        "Recibe este correo porque trata de su membresía o de una reserva en {club}.",
        "Darse de baja", "Elegir lo que recibe", "Ver en el navegador",
    ),
    "pt": Phrases(
        "Recebe este e-mail porque aceitou receber notícias de {club}.",
        "Recebe este e-mail porque diz respeito à sua adesão ou a uma reserva em {club}.",
        "Cancelar a subscrição", "Escolher o que recebe", "Ver no navegador",
    ),
}  # fmt: skip
CLUB = "{{ club.name }}"
SMALL = "font-size:12px;line-height:18px;color:#5f6b66"


def phrases_in(language: str) -> Phrases:
    return PHRASES.get(language.split("-")[0].lower(), PHRASES["en"])


def reason(language: str) -> str:
    """Why they get it, as Liquid."""
    said = phrases_in(language)
    told, service = said.reason.format(club=CLUB), said.service.format(club=CLUB)
    return "{% if isService %}" + service + "{% else %}" + told + "{% endif %}"


def _lines(language: str) -> str:
    said = phrases_in(language)
    links = (
        f'<a href="{{{{ unsubscribeUrl }}}}" style="color:inherit">{said.unsubscribe}</a> · '
        f'<a href="{{{{ preferencesUrl }}}}" style="color:inherit">{said.preferences}</a>'
    )
    return (
        f"{reason(language)}<br/><strong>{CLUB}</strong>"
        "{% if club.address %} · {{ club.address }}{% endif %}{% if club.phone %} · {{ club.phone }}{% endif %}<br/>"
        f'{{% unless isService %}}{links} · {{% endunless %}}<a href="{{{{ viewUrl }}}}" style="color:inherit">'
        f"{said.view}</a>"
    )


def as_mjml(language: str) -> str:
    return (
        '<mj-section padding="8px 0 24px"><mj-column><mj-text align="center" css-class="footer" font-size="12px" '
        f'line-height="18px" color="#5f6b66">{_lines(language)}</mj-text></mj-column></mj-section>'
    )


def as_html(language: str) -> str:
    return f'<p class="footer" style="{SMALL};text-align:center">{_lines(language)}</p>'


def as_text(language: str) -> str:
    said = phrases_in(language)
    return (
        f"--\n{reason(language)}\n{CLUB}"
        "{% if club.address %}\n{{ club.address }}{% endif %}\n"
        f"{{% unless isService %}}{said.unsubscribe}: {{{{ unsubscribeUrl }}}}\n"
        f"{said.preferences}: {{{{ preferencesUrl }}}}\n{{% endunless %}}"
        f"{said.view}: {{{{ viewUrl }}}}"
    )
