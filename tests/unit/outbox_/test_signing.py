"""Signatures: what the specification's own library accepts, and refuses."""

from __future__ import annotations

import os
from base64 import b64decode

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from ringbid.outbox.message import endpoint_of, new_message_id
from ringbid.outbox.signing import new_secret, sign, signed_headers
from ringbid.values.clock import SystemClock
from ringbid.values.ids import CampaignId
from support.clocks import START

ID = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
BODY = '{"payout":1.173,"name":"Zoë"}'.encode()


def headers_now(*secrets: str, body: bytes = BODY) -> dict[str, str]:
    return dict(signed_headers((), ID, timestamp=int(SystemClock().now().timestamp()), body=body, secrets=secrets))


def test_the_signature_of_the_specification_s_example() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signature = sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=b'{"test": 2432232314}', secrets=[secret]
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("body", [BODY, b""], ids=["POST", "GET"])
def test_the_specification_s_library_verifies_what_is_signed(body: bytes) -> None:
    secret = new_secret(os.urandom)
    Webhook(secret).verify(body, headers_now(secret, body=body), json_parse=False)


def test_with_two_secrets_a_receiver_may_have_either() -> None:
    old, new = new_secret(os.urandom), new_secret(os.urandom)
    headers = headers_now(new, old)
    for secret in (old, new):
        Webhook(secret).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret(os.urandom)).verify(BODY, headers)


@pytest.mark.parametrize("changed", ["webhook-id", "webhook-timestamp"])
def test_a_changed_id_or_timestamp_is_refused(changed: str) -> None:
    secret = new_secret(os.urandom)
    headers = headers_now(secret)
    headers[changed] = headers[changed][:-1] + ("1" if headers[changed][-1] != "1" else "2")
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers)


def test_headers_of_the_catalog_stay_but_for_those_that_are_ours() -> None:
    given = (("X-Key", "a"), ("Webhook-Id", "forged"), ("webhook-signature", "forged"))
    headers = signed_headers(given, ID, timestamp=7, body=b"", secrets=[new_secret(os.urandom)])
    assert [name for name, _ in headers] == ["X-Key", "webhook-id", "webhook-timestamp", "webhook-signature"]
    assert dict(headers)["webhook-id"] == ID


def test_a_secret_is_32_random_bytes() -> None:
    made = {new_secret(os.urandom) for _ in range(10)}
    assert len(made) == 10
    assert {len(b64decode(secret.removeprefix("whsec_"))) for secret in made} == {32}


def test_message_ids_sort_by_time_and_are_never_the_same() -> None:
    ids = [new_message_id(START) for _ in range(5)]
    assert len(set(ids)) == 5
    assert all(message_id.startswith("msg_0") and len(message_id) == 36 for message_id in ids)
    assert new_message_id(SystemClock().now()) > max(ids)


def test_an_endpoint_is_a_campaign_s_webhook() -> None:
    assert endpoint_of(CampaignId("auto"), "Tell the publisher") == "auto/Tell the publisher"
