"""DKIM signatures (RFC 6376) for mail that no server behind us signs: rsa-sha256, relaxed headers, simple body."""

import re
from base64 import b64encode
from hashlib import sha256

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

# Whoever adds a second From to a signed mail breaks the signature: it is named twice.
SIGNED = (
    *("from", "from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type"),
    *("list-unsubscribe", "list-unsubscribe-post"),
)
FOLD = re.compile(r"\r\n[ \t]+")
BLANKS = re.compile(r"[ \t]+")


class Signer:
    """Signs in the name of the sender's domain, which publishes the key's other half at <selector>._domainkey."""

    def __init__(self, key: str, selector: str) -> None:
        found = serialization.load_pem_private_key(key.encode(), None)
        if not isinstance(found, RSAPrivateKey):
            raise ValueError("not an RSA key")
        self.key, self.selector = found, selector

    def sign(self, mail: bytes, domain: str) -> bytes:
        """The mail with its signature before it."""
        head, _, body = mail.partition(b"\r\n\r\n")
        digest = b64encode(sha256(body.rstrip(b"\r\n") + b"\r\n").digest()).decode()
        headers = _headers(head.decode("ascii"))
        names = [name for name in SIGNED if name in headers]
        signature = (
            f"v=1; a=rsa-sha256; c=relaxed/simple; d={domain}; s={self.selector};\r\n"
            f" h={':'.join(names)};\r\n bh={digest};\r\n b="
        )
        signed = [f"{name}:{headers[name]}\r\n" for name in dict.fromkeys(names)]
        signed.append(f"dkim-signature:{_relaxed(signature)}")
        mac = self.key.sign("".join(signed).encode(), PKCS1v15(), hashes.SHA256())
        return f"DKIM-Signature: {signature}{_folded(b64encode(mac).decode())}\r\n".encode() + mail


def _headers(head: str) -> dict[str, str]:
    """Name -> value, relaxed; of each there is one."""
    lines = FOLD.sub(" ", head).split("\r\n")
    return {
        name.lower().strip(): _relaxed(value) for name, _, value in (line.partition(":") for line in lines)
    }


def _relaxed(value: str) -> str:
    return BLANKS.sub(" ", FOLD.sub(" ", value)).strip()


def _folded(text: str) -> str:
    return "\r\n ".join(text[at : at + 72] for at in range(0, len(text), 72))
