"""One-time codes: those of now and of the steps beside it, told apart; recovery codes however they are typed."""

from __future__ import annotations

import os
from datetime import timedelta

import pyotp
import pytest

from ringbid.accounts import totp
from support.clocks import START

SECRET = totp.new_secret(lambda size: bytes(range(size)))  # by chance two steps of a secret have one code


@pytest.mark.parametrize("late_seconds", [-30, 0, 30])
def test_a_code_of_this_step_or_one_beside_it_is_taken(late_seconds: int) -> None:
    code = pyotp.TOTP(SECRET).at(START)
    step = totp.find_step(SECRET, f" {code[:3]} {code[3:]} ", at=START + timedelta(seconds=late_seconds))
    assert step == int(START.timestamp()) // 30


@pytest.mark.parametrize("late_seconds", [-60, 60])
def test_a_code_of_another_step_is_wrong(late_seconds: int) -> None:
    code = pyotp.TOTP(SECRET).at(START)
    assert totp.find_step(SECRET, code, at=START + timedelta(seconds=late_seconds)) is None


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "1234567", "１２３４５６"])
def test_what_is_no_code_is_wrong(code: str) -> None:
    assert totp.find_step(SECRET, code, at=START) is None


def test_recovery_codes_differ_and_are_known_however_they_are_typed() -> None:
    codes = totp.new_recovery_codes(os.urandom)
    assert len(set(codes)) == 10
    typed = codes[0].upper().replace("-", " ")
    assert totp.hash_recovery_code(typed) == totp.hash_recovery_code(codes[0])


def test_the_app_learns_whose_secret_it_is() -> None:
    uri = totp.enrolment_uri(SECRET, email="olga@acme.example")
    assert uri.startswith("otpauth://totp/Ringbid:olga%40acme.example?")
    assert SECRET in uri
