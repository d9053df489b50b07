from __future__ import annotations
import os
from pathlib import Path
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from support.reservation_machine import ReservationMachine
N=int(os.environ.get("N","100"))
def test_m(sqlite_template: Path) -> None:
    run_state_machine_as_test(lambda: ReservationMachine(sqlite_template), settings=settings(max_examples=N, stateful_step_count=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]))
