"""What a person means who answers a message with STOP, START or HELP, in the languages of golf clubs.

One table for all languages: people answer in theirs, whatever they were written to in, and no word means two things.
YES is not a word for START: it answers too many other questions.
"""

import re
import unicodedata
from enum import StrEnum


class Meaning(StrEnum):
    OPT_OUT = "OPT_OUT"
    OPT_IN = "OPT_IN"
    HELP = "HELP"


OPT_OUT = {
    "en": "stop, stopall, stop all, unsubscribe, cancel, end, quit, optout, opt out, revoke, remove me, leave me alone",
    "af": "stop, staak, kanselleer, teken uit, meld af, hou op, verwyder my",
    "de": "stopp, abmelden, abbestellen, ende, austragen, keine werbung",
    "fr": "arret, arreter, arretez, stopper, desabonner, desinscrire, desinscription, desabonnement, fin",
    "es": "parar, pare, baja, alto, cancelar, detener, darse de baja, anular",
    "pt": "parar, pare, sair, cancelar, remover, descadastrar, desinscrever",
    "nl": "stoppen, afmelden, uitschrijven, einde, opzeggen",
    "it": "ferma, fermare, basta, annulla, cancella, disiscrivi, disiscrivimi",
    "sv": "stopp, avsluta, avregistrera, sluta",
    "da": "afmeld, afmelden, slut",
    "nb": "stopp, avslutt, meld av",
    "zu": "misa, yima",
}
OPT_IN = {
    "en": "start, unstop, subscribe, resume, opt in, optin",
    "af": "begin, hervat, teken in, skryf in",
    "de": "starten, anmelden, fortsetzen",
    "fr": "demarrer, commencer, reprendre, abonner, s abonner, inscrire",
    "es": "iniciar, empezar, comenzar, alta, suscribir, suscribirse",
    "pt": "iniciar, comecar, voltar, inscrever",
    "nl": "aanmelden, beginnen, hervatten, inschrijven",
    "it": "inizia, avvia, iscrivi, iscrivimi, riprendi",
    "sv": "starta, borja, prenumerera",
    "da": "tilmeld",
    "nb": "abonner, begynn",
    "zu": "qala",
}
HELP = {
    "en": "help, info, information",
    "af": "hulp, inligting",
    "de": "hilfe",
    "fr": "aide",
    "es": "ayuda, informacion",
    "pt": "ajuda, informacao",
    "nl": "help, hulp, informatie",
    "it": "aiuto, informazioni",
    "sv": "hjalp",
    "da": "hjaelp",
    "nb": "hjelp",
    "zu": "usizo",
}
POLITE = frozenset(
    {
        *("please", "now", "thanks", "thank", "you", "me", "all", "sending"),
        *("messages", "message", "sms", "texts", "texting"),
        *("asseblief", "asb", "dankie", "bitte", "danke", "merci", "svp", "por", "favor", "gracias"),
        *("obrigado", "obrigada", "alsjeblieft", "aub", "bedankt", "tack", "takk", "tak", "grazie"),
    }
)

MEANINGS: dict[str, Meaning] = {
    word: meaning
    for meaning, table in ((Meaning.HELP, HELP), (Meaning.OPT_IN, OPT_IN), (Meaning.OPT_OUT, OPT_OUT))
    for row in table.values()
    for word in row.split(", ")
}
MOST_WORDS = 10
LONGEST = max(len(word.split()) for word in MEANINGS)


def plain(text: str) -> str:
    """Lower case without accents and punctuation: “Arrêt !” is “arret”."""
    folded = (
        text[:500]
        .replace("ß", "ss")
        .replace("æ", "ae")
        .replace("Æ", "ae")
        .replace("ø", "o")
        .replace("Ø", "o")
    )
    bare = "".join(
        letter for letter in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(letter)
    )
    return " ".join(re.sub(r"[^\w]|_", " ", bare.casefold()).split())


def meaning(text: str) -> Meaning | None:
    """What a whole answer means: a word of the table, at most with politeness around it. None: it is for people."""
    said = plain(text).split()
    if len(said) > MOST_WORDS:
        return None
    for length in range(min(LONGEST, len(said)), 0, -1):
        for start in range(len(said) - length + 1):
            found = MEANINGS.get(" ".join(said[start : start + length]))
            if found and POLITE.issuperset(said[:start] + said[start + length :]):
                return found
    return None
