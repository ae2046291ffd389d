"""JWTs at the door."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from crm.tenancy.tokens import keys_at
from tests.factories import ClubFactory, CustomerProfileFactory
from tests.pages import log_in, member

LIST = "/api/v1/customers"
SECRET = "a-shared-secret-of-more-than-64-bytes-length-so-that-nobody-warns-of-it"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def claims(tenant, /, **changes):
    base = {
        "sub": "auth0|7",
        "tenant": tenant.slug,
        "scope": "crm:read crm:write",
        "exp": int(time.time()) + 60,
    }
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


def code_of(reply):
    return (reply.json().get("error") or {}).get("code")


@pytest.fixture
def shared(settings):
    """An issuer that signs with a shared secret."""
    settings.JWT_SECRET = SECRET


@pytest.fixture
def jwks(settings) -> Iterator[SimpleNamespace]:
    """An issuer that publishes its keys; `up` False = its server fails."""
    state = SimpleNamespace(up=True, fetched=0, keys=[public(RSA, "rsa-1"), public(EC, "ec-1")])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state.fetched += 1
            self.send_response(200 if state.up else 500)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": state.keys}).encode())

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    keys_at.cache_clear()
    settings.JWT_JWKS_URL = f"http://127.0.0.1:{server.server_port}/keys"
    yield state
    server.shutdown()
    server.server_close()


def public(key, kid):
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return algorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "use": "sig"}


def test_a_shared_secret_token_opens_its_tenant(api, tenant, shared):
    CustomerProfileFactory()
    for name in (tenant.slug, str(tenant.pk)):
        token = jwt.encode(claims(tenant, tenant=name), SECRET, "HS256")
        assert len(api.with_token(token).get(LIST).json()["data"]) == 1


def test_scopes_come_as_text_or_list(api, tenant, shared):
    for scopes, status in [({"scope": "crm:events"}, 403), ({"scope": None, "scopes": ["crm:read"]}, 200)]:
        token = jwt.encode(claims(tenant, **scopes), SECRET, "HS256")
        assert api.with_token(token).get(LIST).status_code == status


def test_who_did_it_is_the_subject(api, tenant, shared):
    token = jwt.encode(claims(tenant), SECRET, "HS256")
    reply = api.with_token(token).post(LIST, {"email": "a@example.com"})
    assert reply.json()["createdBy"] == "token:auth0|7"


def test_an_expired_token_says_so(api, tenant, shared):
    token = jwt.encode(claims(tenant, exp=int(time.time()) - 1), SECRET, "HS256")
    reply = api.with_token(token).get(LIST)
    assert (reply.status_code, code_of(reply)) == (401, "TOKEN_EXPIRED")


@pytest.mark.parametrize(
    "changes",
    [{"exp": None}, {"sub": None}, {"sub": ""}, {"sub": "x" * 201}, {"sub": 7}, {"tenant": None}, {"tenant": 7},
     {"tenant": "nobody"}, {"tenant": "\0"}, {"scope": 7}, {"scope": None, "scopes": [7]}, {"exp": "soon"},
     {"nbf": 9999999999}],
)  # fmt: skip
def test_a_token_that_lacks_a_claim_is_invalid(api, tenant, shared, changes):
    token = raw({"alg": "HS256"}, claims(tenant, **changes), SECRET.encode())
    reply = api.with_token(token).get(LIST)
    assert (reply.status_code, code_of(reply)) == (401, "TOKEN_INVALID")


def raw(header, payload, secret):
    """A token that a library would refuse to make."""
    text = jwt.utils.base64url_encode
    head = text(json.dumps(header).encode()) + b"." + text(json.dumps(payload).encode())
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return (head + b"." + text(algorithm.sign(head, secret))).decode()


def test_tokens_signed_by_others_are_invalid(api, tenant, shared, jwks):
    public_pem = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for token in (
        jwt.encode(claims(tenant), "another-secret-of-more-than-32-bytes-length", "HS256"),
        jwt.encode(claims(tenant), None, "none"),
        jwt.encode(claims(tenant), SECRET, "HS512"),
        jwt.encode(claims(tenant), STRANGER, "RS256", headers={"kid": "rsa-1"}),
        jwt.encode(claims(tenant), RSA, "RS512", headers={"kid": "rsa-1"}),
        jwt.encode(claims(tenant), STRANGER, "RS256", headers={"kid": "unknown"}),
        jwt.encode(claims(tenant), RSA, "RS256", headers={"kid": "ec-1"}),
        raw({"alg": "HS256", "typ": "JWT"}, claims(tenant), public_pem),  # the public key as a shared secret
        raw({"alg": "HS256", "kid": "rsa-1"}, claims(tenant), public_pem),
        raw({"alg": ["HS256"]}, claims(tenant), SECRET.encode()),
        "a.b.c", "a.b", "eyJhbGciOiJIUzI1NiJ9..", "…",
    ):  # fmt: skip
        reply = api.with_token(token).get(LIST)
        assert (reply.status_code, code_of(reply)) == (401, "TOKEN_INVALID"), token


def test_published_keys_verify_rs256_and_es256(api, tenant, jwks):
    for key, algorithm, kid in [(RSA, "RS256", "rsa-1"), (EC, "ES256", "ec-1"), (EC, "ES256", None)]:
        token = jwt.encode(claims(tenant), key, algorithm, headers={"kid": kid} if kid else None)
        assert api.with_token(token).get(LIST).status_code == 200
    assert jwks.fetched == 1


def test_a_shared_key_among_published_ones_verifies_nothing(api, tenant, jwks):
    jwks.keys = [
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "o", "alg": "HS256"}
    ]
    token = jwt.encode(claims(tenant), "secret-secret-secret-secret-secret", "HS256", headers={"kid": "o"})
    assert code_of(api.with_token(token).get(LIST)) == "TOKEN_INVALID"


def test_unknown_key_ids_do_not_make_us_fetch_again_and_again(api, tenant, jwks):
    for number in range(5):
        token = jwt.encode(claims(tenant), STRANGER, "RS256", headers={"kid": f"made-up-{number}"})
        assert api.with_token(token).get(LIST).status_code == 401
    assert jwks.fetched == 1


def test_keys_survive_the_issuers_outage(api, tenant, jwks, settings):
    token = jwt.encode(claims(tenant), RSA, "RS256", headers={"kid": "rsa-1"})
    jwks.up = False
    reply = api.with_token(token).get(LIST)
    assert (reply.status_code, code_of(reply), reply["Retry-After"]) == (503, "SERVICE_UNAVAILABLE", "5")
    jwks.up = True
    assert api.with_token(token).get(LIST).status_code == 200
    jwks.up = False
    keys_at(settings.JWT_JWKS_URL).jwk_set_cache.jwk_set_with_timestamp.timestamp -= 10_000
    assert api.with_token(token).get(LIST).status_code == 200


def test_issuer_and_audience_are_checked_where_configured(api, tenant, shared, settings):
    settings.JWT_ISSUER, settings.JWT_AUDIENCE = "https://id.example", "fairway"
    for changes, status in [
        ({"iss": "https://id.example", "aud": "fairway"}, 200),
        ({"iss": "https://id.example", "aud": ["x", "fairway"]}, 200),
        ({"iss": "https://evil.example", "aud": "fairway"}, 401),
        ({"iss": "https://id.example", "aud": "shop"}, 401),
        ({"iss": "https://id.example"}, 401),
        ({"aud": "fairway"}, 401),
    ]:
        token = jwt.encode(claims(tenant, **changes), SECRET, "HS256")
        assert api.with_token(token).get(LIST).status_code == status, changes


def test_an_issuer_speaks_for_its_own_tenants_only(api, tenant, other_tenant, settings):
    settings.JWT_ISSUERS = [
        {"issuer": "a", "secret": SECRET, "tenants": [tenant.slug]},
        {"issuer": "b", "secret": SECRET[::-1], "tenants": [str(other_tenant.pk)]},
    ]
    for issuer, secret, named, status in [
        ("a", SECRET, tenant, 200),
        ("a", SECRET, other_tenant, 401),
        ("b", SECRET[::-1], other_tenant, 200),
        ("b", SECRET[::-1], tenant, 401),
        ("b", SECRET, other_tenant, 401),
        ("c", SECRET, tenant, 401),
    ]:
        token = jwt.encode(claims(named, iss=issuer), secret, "HS256")
        assert api.with_token(token).get(LIST).status_code == status, (issuer, named.slug)


def test_without_an_issuer_no_token_is_good(api, tenant):
    assert code_of(api.with_token(jwt.encode(claims(tenant), SECRET, "HS256")).get(LIST)) == "TOKEN_INVALID"


def test_a_deactivated_tenants_tokens_are_out(api, tenant, shared):
    tenant.is_active = False
    tenant.save()
    token = jwt.encode(claims(tenant), SECRET, "HS256")
    assert code_of(api.with_token(token).get(LIST)) == "TOKEN_INVALID"


@pytest.mark.parametrize("named_by", ["email", "pk"])
def test_a_token_of_staff_is_worth_no_more_than_they_are(api, tenant, shared, named_by):
    colleague = member("STAFF")
    CustomerProfileFactory(internal_notes="Not for everybody")
    subject = str(getattr(colleague.user, named_by))
    theirs = api.with_token(sign(claims(tenant, sub=subject, scope="crm:read crm:write crm:admin")))
    (person,) = theirs.get(LIST).json()["data"]
    assert (person["internalNotes"], "internalNotes" in person["masked"]) == (None, True)
    assert theirs.post(LIST, {"email": "a@example.com"}).status_code == 403
    assert theirs.post(f"{LIST}/{person['id']}/notes", {"body": "Called."}).status_code == 201
    reading = api.with_token(sign(claims(tenant, sub=subject, scope="crm:read")))
    assert reading.post(f"{LIST}/{person['id']}/notes", {"body": "Called."}).status_code == 403


def test_a_token_of_staff_limited_to_clubs_sees_their_people(api, tenant, shared):
    here = ClubFactory(refs=["here"])
    CustomerProfileFactory(last_name="Ours", home_club_ref="here")
    CustomerProfileFactory(last_name="Theirs", home_club_ref="there")
    token = sign(claims(tenant, sub=member("ADMIN", clubs=(here,)).user.email, scope="crm:read crm:events"))
    theirs = api.with_token(token)
    assert [row["lastName"] for row in theirs.get(LIST).json()["data"]] == ["Ours"]
    assert theirs.get("/api/v1/events").status_code == 403


@pytest.mark.parametrize("what", ["user", "membership"])
def test_a_token_of_staff_stops_and_starts_with_them(api, tenant, shared, what):
    colleague = member("VIEWER")
    theirs = api.with_token(sign(claims(tenant, sub=colleague.user.email)))
    row = colleague.user if what == "user" else colleague
    for is_active, status in ((True, 200), (False, 401), (True, 200)):
        row.is_active = is_active
        row.save()
        assert theirs.get(LIST).status_code == status


def test_a_token_opens_no_staff_page_beside_a_session(api, tenant, shared):
    token = sign(claims(tenant, sub=member("ADMIN").user.email))
    browser = log_in(member("VIEWER").user)
    reply = browser.get("/admin/tenancy/club/", headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 302
    assert reply["Location"].startswith("/admin/tenant/")


def sign(payload):
    return jwt.encode(payload, SECRET, algorithm="HS256")
