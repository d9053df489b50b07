"""Recordings hold voices: those whose time is over are removed."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from ringbid.edge.telephony.sip.recording import Recordings
from ringbid.settings import Retention, Settings
from support.clocks import START, JumpingClock


def test_a_recording_is_removed_when_its_days_are_over_and_not_before(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    recording = folder / "019cb95c-e980-7000-8000-000000000001.wav"
    recording.write_bytes(b"RIFF")
    os.utime(recording, (START.timestamp(), START.timestamp()))
    clock = JumpingClock(START + timedelta(days=29))
    recordings = Recordings(Settings(data=tmp_path, retention=Retention(recording_days=30)), clock)
    assert recordings.remove_old() == []
    clock.advance(2 * 86_400)
    assert recordings.remove_old() == [recording]
    assert not recording.exists()
