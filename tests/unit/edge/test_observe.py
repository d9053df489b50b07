"""Logs tell what broke, and nothing of whom it concerned."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import structlog

from ringbid.edge.observe import set_up_logs


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def fail_with_a_caller() -> None:
    caller = "+1213555" + "0123"
    raise ValueError(len(caller))


@pytest.mark.parametrize("pretty", [True, False])
def test_a_traceback_in_the_log_shows_no_local_variable(*, pretty: bool, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(pretty=pretty)
    try:
        fail_with_a_caller()
    except ValueError:
        structlog.get_logger("test").exception("it_broke")
    logged = capsys.readouterr().err
    assert "it_broke" in logged
    assert "fail_with_a_caller" in logged
    assert "+12135550123" not in logged


def test_a_log_line_without_a_terminal_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(pretty=False)
    structlog.get_logger("test").info("started", port=8700)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["port"]) == ("started", "info", 8700)
