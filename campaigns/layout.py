"""The look of the ready-made e-mails: MJML that reads well on a phone, in Outlook and on a dark screen. Pure."""

FONT = "-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
HEAD = f"""<mjml>
  <mj-head>
    <mj-attributes>
      <mj-all font-family="{FONT}" />
      <mj-text font-size="16px" line-height="26px" color="#26312b" padding="0 32px 16px" />
      <mj-button font-size="16px" font-weight="600" inner-padding="14px 28px" border-radius="8px" color="#ffffff"
        align="left" padding="8px 32px 24px" />
      <mj-section padding="0" />
    </mj-attributes>
    <mj-style>
      @media (max-width: 479px) {{
        .title div {{ font-size: 26px !important; line-height: 32px !important }}
        .wide table, .wide a {{ width: 100% !important; box-sizing: border-box }}
      }}
      @media (prefers-color-scheme: dark) {{
        body, body > div {{ background-color: #101613 !important }}
        .card, .card > table {{ background: #1a231e !important; background-color: #1a231e !important }}
        .title div {{ color: #f2f7f4 !important }}
        .words div, .words div p, .words div td {{ color: #d6e0da !important }}
        .soft div, .footer div {{ color: #9fb0a6 !important }}
        .fact div div {{ background-color: #233029 !important; color: #e9f1ec !important }}
      }}
    </mj-style>
  </mj-head>
  <mj-body background-color="#eef2ef" width="600px">
"""
TOP = """    <mj-section padding="24px 0 12px">
      <mj-column>
        <mj-text css-class="soft" padding="0 32px" font-size="14px" line-height="20px" font-weight="600"
          color="#4d5b53">
          {% if club.logo %}<img src="{{ club.logo }}" alt="{{ club.name }}" height="40" style="height:40px;border:0" />
          {% else %}{{ club.name }}{% endif %}
        </mj-text>
      </mj-column>
    </mj-section>
    <mj-section background-color="{{ club.color }}" border-radius="12px 12px 0 0">
      <mj-column><mj-spacer height="6px" /></mj-column>
    </mj-section>
"""
BOTTOM = """    {{ footer }}
  </mj-body>
</mjml>
"""


def title(words: str) -> str:
    return (
        '        <mj-text css-class="title" font-size="30px" line-height="38px" font-weight="700" color="#101613"\n'
        f'          padding="32px 32px 12px">{words}</mj-text>\n'
    )


def words(*paragraphs: str) -> str:
    return "".join(f'        <mj-text css-class="words">{one}</mj-text>\n' for one in paragraphs)


def fact(text: str) -> str:
    """What must not be missed, on a tinted ground."""
    return (
        '        <mj-text css-class="fact" padding="4px 32px 20px" font-weight="600">'
        '<div style="background-color:#eef4f0;border-radius:8px;padding:14px 18px">'
        f"{text}</div></mj-text>\n"
    )


def card(*parts: str) -> str:
    inner = "".join(parts)
    return (
        '    <mj-section css-class="card" background-color="#ffffff">\n      <mj-column>\n'
        f"{inner}      </mj-column>\n    </mj-section>\n"
    )


def button(label: str, *, when: str = "club.website", address: str = "{{ club.website }}") -> str:
    """A button that is left out where there is no address to lead to."""
    return (
        f"    {{% if {when} %}}\n"
        + card(
            f'        <mj-button css-class="wide" background-color="{{{{ club.color }}}}" href="{address}">{label}'
            "</mj-button>\n"
        )
        + "    {% endif %}\n"
    )


END_OF_CARD = (
    '    <mj-section css-class="card" background-color="#ffffff" border-radius="0 0 12px 12px">\n'
    '      <mj-column><mj-spacer height="16px" /></mj-column>\n    </mj-section>\n'
)


def letter(*parts: str) -> str:
    """A whole e-mail of cards and buttons."""
    return HEAD + TOP + "".join(parts) + END_OF_CARD + BOTTOM
