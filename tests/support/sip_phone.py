"""A telephone made of PJSIP, as a program of its own: it calls or is called, plays a tone, and records what it hears.

    python sip_phone.py '{"address": "127.1.1.10", "call": "sip:+1…@127.1.1.1", "play": "a.wav", "record": "b.wav"}'

It prints `ready` when it can be called, and at the end what it saw, as JSON. PJSIP is global and keeps threads: it has
no place in the process of the tests.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pjsua2 as pj

LONGEST_SECONDS = 50.0  # less than who waits for it
TRANSPORTS = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP, "tls": pj.PJSIP_TRANSPORT_TLS}


class Call(pj.Call):
    """One call: media are connected when they are there."""

    def __init__(self, account: pj.Account, phone: Phone, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(account, call_id)
        self.phone = phone

    def onCallState(self, prm: pj.OnCallStateParam) -> None:  # noqa: N802 -- PJSIP calls it so
        info = self.getInfo()
        self.phone.code = info.lastStatusCode
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.phone.answered_at = time.monotonic()
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.phone.over = True

    def onStreamDestroyed(self, prm: pj.OnStreamDestroyedParam) -> None:  # noqa: N802 -- PJSIP calls it so
        rtcp = self.getStreamStat(prm.streamIdx).rtcp
        self.phone.sent, self.phone.received = rtcp.txStat.pkt, rtcp.rxStat.pkt

    def onCallMediaState(self, prm: pj.OnCallMediaStateParam) -> None:  # noqa: N802 -- PJSIP calls it so
        info = self.getInfo()  # kept in a name: its media are freed with it
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                audio = self.getAudioMedia(index)
                self.phone.connect(audio)
                self.phone.remote = self.getStreamInfo(index).remoteRtpAddress


class Account(pj.Account):
    """Answers every call."""

    def __init__(self, phone: Phone) -> None:
        super().__init__()
        self.phone = phone

    def onIncomingCall(self, prm: pj.OnIncomingCallParam) -> None:  # noqa: N802 -- PJSIP calls it so
        self.phone.invite = prm.rdata.wholeMsg
        self.phone.call = Call(self, self.phone, prm.callId)
        answer = pj.CallOpParam()
        answer.statusCode = 200
        self.phone.call.answer(answer)


class Phone:
    """What one run of this program does."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self.wanted = wanted
        self.call: Call | None = None
        self.over = False
        self.answered_at: float | None = None
        self.code = self.sent = self.received = 0
        self.invite = self.remote = ""
        self.player: pj.AudioMediaPlayer | None = None
        self.recorder: pj.AudioMediaRecorder | None = None

    def connect(self, audio: pj.AudioMedia) -> None:
        if "play" in self.wanted:
            self.player = pj.AudioMediaPlayer()
            self.player.createPlayer(self.wanted["play"])
            self.player.startTransmit(audio)
        if "record" in self.wanted:
            self.recorder = pj.AudioMediaRecorder()
            self.recorder.createRecorder(self.wanted["record"])
            audio.startTransmit(self.recorder)

    def run(self) -> dict[str, Any]:
        endpoint = pj.Endpoint()
        endpoint.libCreate()
        account = self._start(endpoint)
        print("ready", flush=True)
        if "call" in self.wanted:
            self.call = Call(account, self)
            parameters = pj.CallOpParam(True)
            self.call.makeCall(self.wanted["call"], parameters)
        ends_at = time.monotonic() + LONGEST_SECONDS
        hung_up = False
        while not self.over and time.monotonic() < ends_at:
            endpoint.libHandleEvents(10)
            talked = self.answered_at is not None and time.monotonic() - self.answered_at
            if not hung_up and talked and talked >= self.wanted.get("talk_seconds", LONGEST_SECONDS):
                hung_up = True
                self.call.hangup(pj.CallOpParam(True))
        for _ in range(20):
            endpoint.libHandleEvents(10)
        self.player = self.recorder = None
        self.call = None
        account.shutdown()
        endpoint.libDestroy()
        return {
            "answered": self.answered_at is not None,
            "over": self.over,
            "code": self.code,
            "sent": self.sent,
            "received": self.received,
            "remote": self.remote,
            "invite": self.invite,
        }

    def _start(self, endpoint: pj.Endpoint) -> Account:
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.logConfig.level = config.logConfig.consoleLevel = self.wanted.get("log_level", 0)
        config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
        config.medConfig.noVad = True
        endpoint.libInit(config)
        for name, kind in TRANSPORTS.items():
            transport = pj.TransportConfig()
            transport.boundAddress = self.wanted["address"]
            transport.port = 5061 if name == "tls" else 5060
            endpoint.transportCreate(kind, transport)
        endpoint.libStart()
        endpoint.audDevManager().setNullDev()
        for codec in endpoint.codecEnum2():
            endpoint.codecSetPriority(codec.codecId, 255 if codec.codecId.startswith("PCMU/") else 0)
        settings = pj.AccountConfig()
        settings.idUri = f"sip:+12025550123@{self.wanted['address']}"
        settings.mediaConfig.transportConfig.boundAddress = self.wanted["address"]
        settings.mediaConfig.transportConfig.port = 4000
        account = Account(self)
        account.create(settings)
        return account


if __name__ == "__main__":
    print(json.dumps(Phone(json.loads(sys.argv[1])).run()), flush=True)
