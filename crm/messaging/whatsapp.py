"""The WhatsApp Cloud API's webhooks and error codes: what became of messages, and what people answer."""

from collections.abc import Iterator, Mapping
from typing import Any

from crm.messaging.delivery import Result
from crm.messaging.keywords import Meaning, meaning
from crm.messaging.reading import mapping, objects, words
from crm.messaging.receipts import Answer, Kind, Receipt, epoch

OPTED_OUT = frozenset({"131050"})  # they stopped marketing messages
UNREGISTERED = frozenset({"131026"})  # not on WhatsApp, or can't be reached there
# Nobody can go for a while, or before somebody sets it right: of the account or the service, and of one number.
ACCOUNT = frozenset(
    {
        "0",
        "2",
        "3",
        "4",
        "10",
        "190",
        "368",
        "80007",
        "131005",
        "131016",
        "131031",
        "131042",
        "131057",
        "133004",
    }
    | {str(code) for code in range(200, 300)}
)
NUMBER = frozenset({"33", "130429", "131045", "131048", "133010", "133016"})
LATER = frozenset({"131056", "132015"})  # too many to this person; the template is paused
STATUSES = {"sent": Kind.SENT, "delivered": Kind.DELIVERED, "read": Kind.OPENED, "failed": Kind.FAILED}


def result_of(code: str) -> Result:
    """What an error code says of one message."""
    if code in OPTED_OUT:
        return Result.OPTED_OUT
    if code in UNREGISTERED:
        return Result.UNREGISTERED
    return Result.LATER if code in LATER else Result.REFUSED


def receipts(said: Any) -> Iterator[Receipt]:
    """The statuses of a webhook call. Check its X-Hub-Signature-256 with `receipts.is_signed` first."""
    for value in _values(said):
        for item in objects(value.get("statuses")):
            kind = STATUSES.get(words(item.get("status"), 20))
            name, key = words(item.get("id"), 200), words(item.get("biz_opaque_callback_data"), 200)
            if kind and (name or key):
                error = next(iter(objects(item.get("errors"))), {})
                code = words(error.get("code"), 20)
                detail = words(mapping(error.get("error_data")).get("details")) or words(error.get("title"))
                is_permanent = code in UNREGISTERED
                if kind == Kind.FAILED:
                    kind = Kind.OPTED_OUT if code in OPTED_OUT else Kind.BOUNCED if is_permanent else kind
                yield Receipt(kind, key, name, epoch(item.get("timestamp")), code, detail, is_permanent)


def answers(said: Any) -> Iterator[Answer]:
    """What people wrote, pressed or chose in a webhook call, marketing preferences among it; numbers are E.164."""
    for value in _values(said):
        to = words(mapping(value.get("metadata")).get("phone_number_id"), 50)
        for item in objects(value.get("messages")):
            text = _text(item)
            if sender := words(item.get("from"), 30):
                name = words(item.get("id"), 200)
                yield Answer(_e164(sender), to, text, meaning(text), name, epoch(item.get("timestamp")))
        for item in objects(value.get("user_preferences")):
            meant = {"stop": Meaning.OPT_OUT, "resume": Meaning.OPT_IN}.get(words(item.get("value"), 20))
            sender, at = words(item.get("wa_id"), 30), words(item.get("timestamp"), 20)
            if sender and meant and item.get("category") == "marketing_messages":
                name = f"preference:{sender}:{at}:{meant}"
                yield Answer(_e164(sender), to, words(item.get("detail")), meant, name, epoch(at))


def _values(said: Any) -> Iterator[Mapping[str, Any]]:
    for entry in objects(mapping(said).get("entry")):
        for change in objects(entry.get("changes")):
            yield mapping(change.get("value"))


def _text(item: Mapping[str, Any]) -> str:
    button = mapping(mapping(item.get("interactive")).get("button_reply")).get("title")
    found = mapping(item.get("text")).get("body") or mapping(item.get("button")).get("text") or button
    return found.replace("\x00", "")[:4_096] if isinstance(found, str) else ""


def _e164(number: str) -> str:
    return number if number.startswith("+") else f"+{number}"
