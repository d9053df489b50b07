"""Taking a live call back from a buyer: the request to the carrier's REST API that has it ask us again.

`redirect_call` builds, the outbound client sends. The carrier then ends the buyer's leg and asks `/carriers/NAME/again`
what to do with the caller (`endpoint`).
"""

from __future__ import annotations

import base64
from urllib.parse import quote, urlencode

from ringbid.buyers.protocol import Ask
from ringbid.edge.telephony.twiml.dialects import DIALECTS
from ringbid.settings import Carrier


def redirect_call(carrier: Carrier, *, name: str, public_url: str, call_sid: str) -> Ask | None:
    """The request that takes `call_sid` away from its buyer; None where the settings lack what it needs (`account`, and
    `api_url` or `api_key` where the carrier has no default). `name` is the carrier's in the settings."""
    dialect = DIALECTS[carrier.kind]
    api_url = carrier.api_url or dialect.api_url
    key = carrier.api_key or (carrier.secret if carrier.kind in ("twilio", "somleng") else None)
    if api_url is None or key is None or carrier.account is None:
        return None
    path = dialect.calls_path.format(account=quote(carrier.account, safe=""), call=quote(call_sid, safe=":"))
    token = key.get_secret_value()
    if dialect.bearer:
        authorization = f"Bearer {token}"
    else:
        authorization = "Basic " + base64.b64encode(f"{carrier.account}:{token}".encode()).decode()
    back = f"{carrier_url(public_url, name)}/again"
    return Ask(
        webhook_name=f"carrier {name}",
        method="POST",
        url=api_url.rstrip("/") + path,
        headers=(("authorization", authorization), ("content-type", "application/x-www-form-urlencoded")),
        body=urlencode({"Method": "POST", "Url": back}).encode(),
    )


def carrier_url(public_url: str, name: str) -> str:
    """The address below which this carrier calls us."""
    return f"{public_url.rstrip('/')}/carriers/{name}"
