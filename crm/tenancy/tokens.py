"""Tokens of other systems' users: JWTs, checked against the issuers that the operator configured.

An issuer pins its algorithms: a shared secret verifies HS256 and nothing else, a JWKS address RS256 and ES256,
so a token can't choose how it is checked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import jwt
from django.conf import settings
from jwt import PyJWK, PyJWKClient, PyJWKSet
from jwt.exceptions import ExpiredSignatureError, PyJWKClientError, PyJWKSetError, PyJWTError

from crm.errors import ServiceUnavailable, TokenExpired, TokenInvalid

LONGEST_SUBJECT = 200
FETCH_SECONDS = 3
KEYS_GOOD_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who may sign tokens. Empty name or audience = not checked; empty tenants = every tenant."""

    name: str = ""
    audience: str = ""
    secret: str = field(default="", repr=False)
    jwks_url: str = ""
    tenants: frozenset[str] = frozenset()

    @property
    def algorithms(self) -> list[str]:
        return ["HS256"] if self.secret else ["RS256", "ES256"]


class Claims(NamedTuple):
    """What a good token says. `tenants` are the ones its issuer may speak for, empty = all."""

    subject: str
    tenant: str
    scopes: frozenset[str]
    issuer: str
    tenants: frozenset[str]


def read_token(token: str) -> Claims:
    """Verify a token and read its claims.

    Raises TokenExpired, TokenInvalid, or ServiceUnavailable when the issuer's keys can't be fetched.
    """
    try:
        header, unverified = jwt.get_unverified_header(token), _unverified(token)
        issuer = _issuer(header.get("alg"), unverified.get("iss"))
        return _claims(_verified(token, header, issuer), issuer)
    except ExpiredSignatureError:
        raise TokenExpired from None
    except PyJWTError:
        raise TokenInvalid from None


def issuers() -> list[Issuer]:
    """The issuers in the settings: JWT_ISSUERS, and the one that the plain JWT_… variables describe."""
    single = {
        "issuer": settings.JWT_ISSUER,
        "audience": settings.JWT_AUDIENCE,
        "secret": settings.JWT_SECRET,
        "jwksUrl": settings.JWT_JWKS_URL,
        "tenants": settings.JWT_TENANTS,
    }
    found = []
    for entry in [*settings.JWT_ISSUERS, single]:
        names: dict[str, Any] = {
            "name": entry.get("issuer", ""),
            "audience": entry.get("audience", ""),
            "tenants": frozenset(entry.get("tenants", ())),
        }
        if entry.get("secret"):
            found.append(Issuer(secret=entry["secret"], **names))
        if entry.get("jwksUrl"):
            found.append(Issuer(jwks_url=entry["jwksUrl"], **names))
    return found


def _unverified(token: str) -> Mapping[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def _issuer(algorithm: object, name: object) -> Issuer:
    for issuer in issuers():
        if algorithm in issuer.algorithms and issuer.name in ("", name):
            return issuer
    raise TokenInvalid


def _verified(token: str, header: Mapping[str, Any], issuer: Issuer) -> Mapping[str, Any]:
    keys: Sequence[str | PyJWK] = (
        [issuer.secret] if issuer.secret else keys_at(issuer.jwks_url).candidates(header)
    )
    for key in keys[:-1]:
        try:
            return _decoded(token, key, issuer)
        except jwt.InvalidSignatureError:
            continue
    if not keys:
        raise TokenInvalid
    return _decoded(token, keys[-1], issuer)


def _decoded(token: str, key: str | PyJWK, issuer: Issuer) -> Mapping[str, Any]:
    return jwt.decode(
        token,
        key,
        algorithms=issuer.algorithms,
        audience=issuer.audience or None,
        issuer=issuer.name or None,
        options={
            "require": ["exp", "sub"],
            "verify_aud": bool(issuer.audience),
            "verify_iat": False,  # only says when it was made; clocks differ
        },
    )


def _claims(payload: Mapping[str, Any], issuer: Issuer) -> Claims:
    subject, tenant = payload["sub"], payload.get("tenant")
    scopes = payload.get("scope", payload.get("scopes", []))
    if isinstance(scopes, str):
        scopes = scopes.split()
    readable = isinstance(scopes, list) and all(isinstance(scope, str) for scope in scopes)
    if not readable or not isinstance(tenant, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise TokenInvalid
    return Claims(subject, tenant, frozenset(scopes), str(payload.get("iss", "")), issuer.tenants)


class SigningKeys(PyJWKClient):
    """An issuer's published keys, fetched again every five minutes.

    When the address is away, the last keys go on: its restart must not lock everybody out.
    """

    last: PyJWKSet | None = None

    def get_jwk_set(self, refresh: bool = False) -> PyJWKSet:
        try:
            self.last = super().get_jwk_set(refresh)
        except (PyJWKClientError, PyJWKSetError, OSError, ValueError):
            if self.last is None:
                raise ServiceUnavailable(
                    "The keys of the token's issuer can't be fetched.", Retry_After="5"
                ) from None
            if self.jwk_set_cache is not None:
                self.jwk_set_cache.put(self.last)
        return self.last

    def candidates(self, header: Mapping[str, Any]) -> list[PyJWK]:
        """The keys that may have signed a token with this header."""
        keys = self.get_jwk_set().keys if header.get("kid") is None else [self.get_signing_key(header["kid"])]
        return [
            key for key in keys if key.algorithm_name == header["alg"] and key.public_key_use in (None, "sig")
        ]


@cache
def keys_at(url: str) -> SigningKeys:
    return SigningKeys(url, lifespan=KEYS_GOOD_SECONDS, timeout=FETCH_SECONDS)
