"""Carriers that speak TwiML (Twilio, SignalWire, Telnyx, somleng): their webhooks in, markup out.

`endpoint` serves them; `signatures`, `reading`, `memory` and `markup` are its steps, `dialects` what differs between
carriers.
"""
