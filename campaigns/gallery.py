"""The ready-made templates that every club can start from. Pure."""

from typing import NamedTuple

from campaigns.layout import button, card, fact, letter, title, words


class Ready(NamedTuple):
    """A template that only has to be taken. contents: by language, the fields of a wording."""

    key: str
    name: str
    channel: str
    description: str
    contents: dict[str, dict[str, str]]


def mail(subject: str, preheader: str, *parts: str) -> dict[str, str]:
    return {"subject": subject, "preheader": preheader, "body": letter(*parts)}


TIER = "{% if membershipTier %} {{ membershipTier }}{% endif %}"
WELCOME = {
    "en": mail(
        "Welcome to {{ club.name }}, {{ firstName }}", "Everything you need for your first round with us",
        card(
            title("Welcome, {{ firstName }}"),
            words(
                "We are glad you found us. {{ club.name }} is yours to enjoy from today: the course, the practice"
                " ground and a good table after the round.",
                "Here is what people like to do first:",
                "<strong>Book a tee time.</strong> The quiet hours are weekdays before nine.<br/>"
                "<strong>Meet the pro.</strong> A short lesson helps on a course that you do not know yet.<br/>"
                "<strong>Say hello at the desk.</strong> We will show you around.",
            ),
        ),
        "    {% if membershipTier %}\n" + card(fact("Your membership: {{ membershipTier }}"
        "{% if memberSince %}, since {{ memberSince }}{% endif %}")) + "    {% endif %}\n",
        button("Book a tee time"),
    ),
    "af": mail(
        "Welkom by {{ club.name }}, {{ firstName }}", "Alles wat u vir u eerste rondte by ons nodig het",
        card(
            title("Welkom, {{ firstName }}"),
            words(
                "Ons is bly dat u ons gevind het. {{ club.name }} is van vandag af tot u beskikking: die baan, die"
                " oefenarea en ’n goeie tafel ná die rondte.",
                "Dít is wat mense graag eerste doen:",
                "<strong>Bespreek ’n afslaantyd.</strong> Weeksdae voor nege is dit stil.<br/>"
                "<strong>Ontmoet die professionele speler.</strong> ’n Kort les help op ’n baan wat u nog nie ken"
                " nie.<br/><strong>Groet by die toonbank.</strong> Ons wys u graag rond.",
            ),
        ),
        "    {% if membershipTier %}\n" + card(fact("U lidmaatskap: {{ membershipTier }}"
        "{% if memberSince %}, sedert {{ memberSince }}{% endif %}")) + "    {% endif %}\n",
        button("Bespreek ’n afslaantyd"),
    ),
}  # fmt: skip
RETURN = {
    "en": mail(
        "{{ firstName }}, the course misses you", "It has been a while. Come and play.",
        card(
            title("It has been a while, {{ firstName }}"),
            words(
                "{% if lastBookingDate %}Your last round with us was on {{ lastBookingDate | date: 'long' }}."
                "{% else %}We have not seen you on the course for some time.{% endif %} The greens have been looked"
                " after since, and there are good times free this week.",
                "Was something not as it should have been? Answer this e-mail: a person reads it, and we would rather"
                " know.",
            ),
        ),
        button("Find a tee time"),
    ),
    "af": mail(
        "{{ firstName }}, die baan mis u", "Dit is al ’n ruk. Kom speel.",
        card(
            title("Dit is al ’n ruk, {{ firstName }}"),
            words(
                "{% if lastBookingDate %}U laaste rondte by ons was op {{ lastBookingDate | date: 'long' }}."
                "{% else %}Ons het u lanklaas op die baan gesien.{% endif %} Daar is sedertdien na die setperke"
                " omgesien, en vandeesweek is daar goeie tye beskikbaar.",
                "Was iets nie na wense nie? Antwoord op hierdie e-pos: ’n mens lees dit, en ons wil dit liewer weet.",
            ),
        ),
        button("Kry ’n afslaantyd"),
    ),
}  # fmt: skip
RENEWAL = {
    "en": mail(
        "Your membership{% if membershipExpiry %} ends on {{ membershipExpiry }}{% else %} is due{% endif %}",
        "Renew in two minutes and keep your place",
        card(
            title("Time to renew, {{ firstName }}"),
            words(
                f"Thank you for being a{TIER} member of {{{{ club.name }}}}{{% if memberSince %}} since"
                " {{ memberSince | date: 'year' }}{% endif %}."
            ),
            fact(
                "{% if membershipExpiry %}Your membership runs until {{ membershipExpiry | date: 'long' }}."
                "{% else %}Your membership is due for renewal.{% endif %}"
            ),
            words(
                "Renew before that day and everything stays as it is: your handicap, your place in the competitions and"
                " your locker. If you would like another tier, or to talk about the fee, call or write to us."
            ),
        ),
        button("Renew my membership"),
    ),
    "af": mail(
        "U lidmaatskap{% if membershipExpiry %} eindig op {{ membershipExpiry }}{% else %} moet hernu word{% endif %}",
        "Hernu binne twee minute en behou u plek",
        card(
            title("Tyd om te hernu, {{ firstName }}"),
            words(
                "Dankie dat u ’n lid van {{ club.name }} is{% if memberSince %}, reeds sedert"
                " {{ memberSince | date: 'year' }}{% endif %}."
            ),
            fact(
                "{% if membershipExpiry %}U lidmaatskap geld tot {{ membershipExpiry | date: 'long' }}."
                "{% else %}U lidmaatskap moet hernu word.{% endif %}"
            ),
            words(
                "Hernu voor daardie dag en alles bly soos dit is: u voorgee, u plek in die kompetisies en u sluitkas."
                " Wil u van vlak verander of oor die fooi gesels, bel of skryf gerus vir ons."
            ),
        ),
        button("Hernu my lidmaatskap"),
    ),
}  # fmt: skip
REMINDER = {
    "en": mail(
        "Your tee time{% if nextBooking %}: {{ nextBooking }}{% endif %}", "See you soon, {{ firstName }}",
        card(
            title("See you on the first tee"),
            words("{{ firstName }}, this is to remind you of your round."),
            fact(
                "{% if nextBooking %}{{ nextBooking | date: 'full' }} at {{ nextBooking | time }}{% else %}The time"
                " is in your booking{% endif %}{% if nextBookingCourse %}<br/>{{ nextBookingCourse }}{% endif %}"
                "{% if nextBookingClub %}<br/>{{ nextBookingClub }}{% endif %}"
            ),
            words(
                "Please be at the desk 20 minutes before, so that everybody starts on time. Can you not come? Tell us"
                " today, and somebody else will be glad of the place."
            ),
        ),
        button("See my booking"),
    ),
    "af": mail(
        "U afslaantyd{% if nextBooking %}: {{ nextBooking }}{% endif %}", "Sien u binnekort, {{ firstName }}",
        card(
            title("Sien u by die eerste bof"),
            words("{{ firstName }}, hiermee herinner ons u aan u rondte."),
            fact(
                "{% if nextBooking %}{{ nextBooking | date: 'full' }} om {{ nextBooking | time }}{% else %}Die tyd"
                " is in u bespreking{% endif %}{% if nextBookingCourse %}<br/>{{ nextBookingCourse }}{% endif %}"
                "{% if nextBookingClub %}<br/>{{ nextBookingClub }}{% endif %}"
            ),
            words(
                "Wees asseblief 20 minute vroeër by die toonbank, sodat almal betyds kan begin. Kan u nie kom nie? Laat"
                " weet ons vandag, en iemand anders sal bly wees oor die plek."
            ),
        ),
        button("Sien my bespreking"),
    ),
}  # fmt: skip
NEWS = {
    "en": mail(
        "{{ club.name }}: what is on this month", "Results, dates and news from the course",
        card(
            title("What is on at {{ club.name }}"),
            words("Hello {{ firstName }}, here is the news of the month."),
            words("<strong>On the course</strong><br/>Write here what changed: greens, holes, opening times."),
            words("<strong>Competitions</strong><br/>Write here who won, and what comes next."),
            words("<strong>At the clubhouse</strong><br/>Write here what there is to eat, to celebrate and to hear."),
            fact("Save the date: write here the one thing that nobody should miss."),
        ),
        button("Read more"),
    ),
    "af": mail(
        "{{ club.name }}: hierdie maand by die klub", "Uitslae, datums en nuus van die baan",
        card(
            title("Hierdie maand by {{ club.name }}"),
            words("Hallo {{ firstName }}, hier is die nuus van die maand."),
            words("<strong>Op die baan</strong><br/>Skryf hier wat verander het: setperke, putjies, openingstye."),
            words("<strong>Kompetisies</strong><br/>Skryf hier wie gewen het, en wat volgende kom."),
            words("<strong>By die klubhuis</strong><br/>Skryf hier wat daar te ete, te vier en te hoor is."),
            fact("Teken die datum aan: skryf hier die een ding wat niemand moet misloop nie."),
        ),
        button("Lees meer"),
    ),
}  # fmt: skip
CLOSURE = {
    "en": mail(
        "The course is closed today", "We are sorry. Here is what happens with your booking.",
        card(
            title("Closed for the weather"),
            words("{{ firstName }}, the course is closed{% if event.reason %} ({{ event.reason }}){% endif %}."),
            fact(
                "{% if nextBooking %}Your round of {{ nextBooking | date: 'full' }} at {{ nextBooking | time }} is not"
                " lost: we call you, or you choose another time.{% else %}Bookings of today are moved or"
                " refunded.{% endif %}"
            ),
            words("We open again as soon as the greenkeeper says so, and tell you when."),
        ),
        button("Choose another time"),
    ),
    "af": mail(
        "Die baan is vandag gesluit", "Jammer. Hier is wat met u bespreking gebeur.",
        card(
            title("Gesluit weens die weer"),
            words("{{ firstName }}, die baan is gesluit{% if event.reason %} ({{ event.reason }}){% endif %}."),
            fact(
                "{% if nextBooking %}U rondte van {{ nextBooking | date: 'full' }} om {{ nextBooking | time }} is nie"
                " verlore nie: ons bel u, of u kies ’n ander tyd.{% else %}Vandag se besprekings word geskuif of"
                " terugbetaal.{% endif %}"
            ),
            words("Ons open weer sodra die setperkopsigter so sê, en laat u weet."),
        ),
        button("Kies ’n ander tyd"),
    ),
}  # fmt: skip
REMINDER_SMS = {
    "en": {"body": "{{ club.name }}: your tee time is {% if nextBooking %}{{ nextBooking | date: 'short' }} at"
                   " {{ nextBooking | time }}{% else %}coming up{% endif %}. Can't come? Call"
                   " {{ club.phone | default: 'us' }}."},
    "af": {"body": "{{ club.name }}: u afslaantyd is {% if nextBooking %}{{ nextBooking | date: 'short' }} om"
                   " {{ nextBooking | time }}{% else %}binnekort{% endif %}. Kan u nie kom nie? Bel"
                   " {{ club.phone | default: 'ons' }}."},
}  # fmt: skip
CLOSURE_SMS = {
    "en": {"body": "{{ club.name }}: the course is closed today because of the weather. We move or refund your booking."
                   " Questions? {{ club.phone | default: 'Call us' }}"},
    "af": {"body": "{{ club.name }}: die baan is vandag weens die weer gesluit. Ons skuif u bespreking of betaal terug."
                   " Vrae? {{ club.phone | default: 'Bel ons' }}"},
}  # fmt: skip
GALLERY = {
    one.key: one
    for one in (
        Ready("welcome", "Welcome", "EMAIL", "For somebody who has just joined or signed up.", WELCOME),
        Ready("reengagement", "We miss you", "EMAIL", "For somebody who has not played for a while.", RETURN),
        Ready("membership-renewal", "Membership renewal", "EMAIL", "Before a membership ends.", RENEWAL),
        Ready("booking-reminder", "Booking reminder", "EMAIL", "A day before a round.", REMINDER),
        Ready("weather-closure", "Course closed", "EMAIL", "When the weather closes the course.", CLOSURE),
        Ready("newsletter", "Newsletter", "EMAIL", "News of the month, to be filled in.", NEWS),
        Ready(
            "booking-reminder-sms", "Booking reminder by SMS", "SMS", "A day before a round.", REMINDER_SMS
        ),
        Ready(
            "weather-closure-sms",
            "Course closed, by SMS",
            "SMS",
            "When the weather closes the course.",
            CLOSURE_SMS,
        ),
    )
}
