"""What must not stand in a log: by the name of its key, or by what it looks like. Pure.

Names of people can't be told from other words, so nobody logs free text of a person; this is the net below.
"""

import re
from collections.abc import Mapping
from typing import Any

MASK = "[masked]"
LONGEST = 4000  # characters of one value

PERSONAL = frozenset({
    "name", "firstname", "lastname", "fullname", "displayname", "surname", "forename", "username", "user",
    "gender", "ip", "remoteaddr", "place", "street", "city", "postcode", "note", "notes", "customernotes",
    "internalnotes", "description", "title", "query", "querystring", "body", "raw", "payload", "metadata",
    "fields", "values", "hints", "identity", "headers", "params", "args", "kwargs", "sql", "csrf",
    "session", "sessionid", "cookies", "pin", "otp", "jwt", "bearer", "credential", "credentials",
    "privatekey",
})  # fmt: skip
PERSONAL_ENDS = (
    "email", "mail", "phone", "phonenumber", "mobile", "password", "passwd", "secret", "token", "apikey", "secretkey",
    "authorization", "cookie", "address", "birth", "birthday", "dsn",
)  # fmt: skip

PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic|token)\s+[\w.~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"\bfw_[0-9A-Za-z]+_[\w-]+"), MASK),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), MASK),
    (re.compile(r"(?<=://)[^\s/@]{1,300}@"), f"{MASK}@"),
    (re.compile(r"(?<=[\w/%~-])\?(?=[\w%.\[\]-]+=)[^\s\"'<>]*"), f"?{MASK}"),
    (
        re.compile(r"(?i)\b(password|passwd|secret|api_?key|access_token|token)(\s*[=:]\s*)[^\s,;&]+"),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"[^\s@<>()\[\]\"',;:=]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63})+"), MASK),
    (re.compile(r"\+\d(?:[ ().-]{0,2}\d){7,14}"), MASK),
    (re.compile(r"(?<![\w.:+-])\(?0\d(?:[ ()/-]{0,2}\d){7,9}(?![\w-])"), MASK),
    (re.compile(r"(?<![\w.:+-])\d{11,15}(?![\w-]|\.\w)"), MASK),
)


def mask(value: Any, key: str = "") -> Any:
    """The value as it may be logged. Containers keep their shape, what is personal becomes “[masked]”."""
    if value is None or isinstance(value, bool):
        return value
    if key and is_personal(key):
        return MASK
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {str(name): mask(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(inner) for inner in value]
    return value if isinstance(value, int | float) else mask_text(str(value))


def is_personal(key: str) -> bool:
    plain = key.lower().replace("_", "").replace("-", "")
    return plain in PERSONAL or plain.endswith(PERSONAL_ENDS)


def mask_text(text: str) -> str:
    """The text without addresses, numbers, keys and query strings; a very long one is cut."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}…"
    for pattern, instead in PATTERNS:
        text = pattern.sub(instead, text)
    return text
