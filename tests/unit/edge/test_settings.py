"""A misspelt setting is told; variables win over the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from ringbid.settings import Settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_misspelt_setting_of_a_section_is_refused_with_its_name(folder: Path) -> None:
    (folder / "ringbid.toml").write_text("[outbound]\nallow_privte = true\n")
    with pytest.raises(ValidationError, match="allow_privte"):
        Settings()


def test_a_variable_wins_over_the_file_and_the_file_over_the_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "ringbid.toml").write_text('port = 9000\n[sip]\ndomain = "file.example.org"\n')
    monkeypatch.setenv("RINGBID_SIP_DOMAIN", "sip.example.org")
    settings = Settings()
    assert (settings.port, settings.sip.domain, settings.retention.rtb_hours) == (9000, "sip.example.org", 24.0)
