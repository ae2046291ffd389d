"""Which provider the settings name for each channel, and settings that can't be right."""

import json
from typing import Any

import pytest
from django.core.checks import CheckMessage

from crm import checks, env
from crm.messaging.delivery import Channel, Outgoing, Result, Sender
from crm.messaging.gateways import gateway_for

SERVER = {
    "host": "mail.example",
    "port": 25,
    "username": "",
    "password": "",
    "use_tls": False,
    "use_ssl": False,
}
ACCOUNT = {"project_id": "a", "client_email": "b", "private_key": "c", "token_uri": "https://d.example"}


def names() -> dict[str, str]:
    return {channel: gateway_for(channel).name for channel in Channel}


def test_with_nothing_set_up_the_message_log_takes_everything(settings: Any) -> None:
    assert set(names().values()) == {"local"}
    message = Outgoing("m:1", Channel.SMS, "+27830000001", Sender("", ""), text="Hello")
    assert [o.result for o in gateway_for(Channel.SMS).send([message])] == [Result.ACCEPTED]
    assert gateway_for(Channel.SMS).look_up(["m:1"])["m:1"].result == Result.ACCEPTED


def test_a_channel_goes_by_its_own_provider_else_by_messaging(settings: Any) -> None:
    settings.EMAIL_SERVER = SERVER
    assert names()["EMAIL"] == "smtp"
    settings.MESSAGING_URL = "https://messaging.example"
    assert names() == dict.fromkeys(Channel, "messaging")
    settings.TWILIO_ACCOUNT_SID, settings.WHATSAPP_TOKEN = "AC1", "t"
    settings.FCM_CREDENTIALS, settings.ANYMAIL_PROVIDER = json.dumps(ACCOUNT), "mailgun"
    assert names() == {"EMAIL": "mailgun", "SMS": "twilio", "PUSH": "fcm", "WHATSAPP": "whatsapp"}
    settings.CAMPAIGN_EMAIL_SERVER = SERVER
    assert names()["EMAIL"] == "smtp"
    settings.SEND_MESSAGES = False
    assert set(names().values()) == {"local"}


def test_the_breaker_of_a_provider_is_the_same_until_the_settings_change(settings: Any) -> None:
    settings.CAMPAIGN_EMAIL_SERVER = SERVER
    first = gateway_for(Channel.EMAIL)
    assert gateway_for(Channel.EMAIL) is first
    settings.CAMPAIGN_EMAIL_SERVER = {**SERVER, "port": 26}
    assert gateway_for(Channel.EMAIL) is not first


def test_how_long_messaging_knows_a_key_is_a_setting(settings: Any) -> None:
    settings.MESSAGING_URL, settings.MESSAGING_KEY_SECONDS = "https://messaging.example", 900
    gateway = gateway_for(Channel.EMAIL)
    assert gateway.repeats_for and gateway.repeats_for.total_seconds() == 900
    assert gateway.can_look_up


def ids(found: list[CheckMessage]) -> list[str]:
    return [message.id for message in found]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []), ({"TWILIO_ACCOUNT_SID": "AC1"}, ["crm.E007"]), ({"TWILIO_AUTH_TOKEN": "t"}, ["crm.E007"]),
        ({"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t"}, []),
        ({"ANYMAIL_PROVIDER": "mailgun"}, []), ({"ANYMAIL_PROVIDER": "no_such"}, ["crm.E008"]),
        ({"ANYMAIL_PROVIDER": "../x"}, ["crm.E008"]), ({"MESSAGING_URL": "https://m.example"}, ["crm.W008"]),
        ({"MESSAGING_URL": "https://m.example", "MESSAGING_TOKEN": "t"}, []),
        ({"WHATSAPP_TOKEN": "t"}, ["crm.W009"]), ({"WHATSAPP_TOKEN": "t", "WHATSAPP_APP_SECRET": "s"}, []),
        ({"TWILIO_URL": ""}, ["crm.E009"]), ({"MESSAGING_KEY_SECONDS": 0}, ["crm.E009"]),
        ({"SEND_MESSAGES": False}, ["crm.W010"]),
    ],
)  # fmt: skip
def test_each_setting_that_can_not_be_right_is_told(
    settings: Any, given: dict[str, Any], expected: list[str]
) -> None:
    for name, value in given.items():
        setattr(settings, name, value)
    assert ids(checks.providers()) == expected


def test_the_json_of_an_account_is_read_or_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FCM_CREDENTIALS", json.dumps(ACCOUNT))
    assert json.loads(env.service_account("FCM_CREDENTIALS")) == ACCOUNT
    assert env.service_account("NOT_SET") == ""
    for wrong in (
        "{secret",
        '["secret"]',
        '{"project_id": "secret"}',
        json.dumps({**ACCOUNT, "private_key": 7}),
    ):
        monkeypatch.setenv("FCM_CREDENTIALS", wrong)
        with pytest.raises(env.BadSetting) as refused:
            env.service_account("FCM_CREDENTIALS")
        assert "secret" not in str(refused.value)
