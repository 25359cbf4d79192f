"""What every Clock promises, held against the fake and the system's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Protocol

import pytest
from tileproof.adapters.clock import SystemClock
from tileproof.ports.clock import Clock

from tests.fakes.clock import FakeClock

SOON = 0.05
LONG = 3600.0


class Stoppable(Clock, Protocol):
    def stop(self) -> None: ...


@pytest.fixture(params=[FakeClock, SystemClock], ids=["fake", "system"])
def clock(request: pytest.FixtureRequest) -> Stoppable:
    made: Stoppable = request.param()
    return made


def test_a_wait_that_nobody_ends_lasts_as_long_as_it_should(clock: Stoppable) -> None:
    monotonic, wall = clock.monotonic(), clock.now()
    assert not clock.wait(SOON)
    assert clock.monotonic() >= monotonic + SOON
    assert clock.now() > wall
    assert not clock.stopping


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_a_wait_for_nothing_returns(clock: Stoppable, seconds: float) -> None:
    before = clock.monotonic()
    assert not clock.wait(seconds)
    assert clock.monotonic() >= before


def test_now_is_unix_time(clock: Stoppable) -> None:
    assert 1_600_000_000 < clock.now() < 5_000_000_000


def test_once_asked_to_stop_every_wait_ends_at_once(clock: Stoppable) -> None:
    clock.stop()
    clock.stop()
    before = clock.monotonic()
    assert clock.wait(LONG)
    assert clock.wait(0)
    assert clock.stopping
    assert clock.monotonic() - before < LONG


def test_the_system_s_clock_wakes_every_thread_that_waits() -> None:
    clock, woken = SystemClock(), []
    threads = [threading.Thread(target=lambda: woken.append(clock.wait(LONG))) for _ in range(3)]
    for thread in threads:
        thread.start()
    clock.stop()
    for thread in threads:
        thread.join(60)
    assert woken == [True] * 3


def test_a_wait_longer_than_the_system_can_count_is_still_a_wait() -> None:
    clock = SystemClock()
    threading.Timer(SOON, clock.stop).start()
    assert clock.wait(1e9)


def test_a_clock_leaves_no_descriptor_behind() -> None:
    clock = SystemClock()
    before = len(os.listdir("/proc/self/fd"))
    del clock
    assert len(os.listdir("/proc/self/fd")) == before - 2


# Signals, in a process of their own


def started(script: str) -> subprocess.Popen[str]:
    """A process whose clock listens to signals, once it says that it does."""
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from tileproof.adapters.clock import SystemClock\n"
            "clock = SystemClock()\nclock.stop_on_signals()\n"
            f"print('ready', flush=True)\n{script}",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_wait_of_an_hour(number: signal.Signals) -> None:
    with started("print(clock.wait(3600), clock.stopping)") as child:
        began = time.monotonic()
        child.send_signal(number)
        out, _ = child.communicate(timeout=60)
    assert out == "True True\n"
    assert child.returncode == 0
    assert time.monotonic() - began < 60


def test_a_second_ctrl_c_interrupts_at_once() -> None:
    with started("clock.wait(3600)\nprint('stopping', flush=True)\nwhile True: pass") as child:
        child.send_signal(signal.SIGINT)
        assert child.stdout is not None
        assert child.stdout.readline() == "stopping\n"
        child.send_signal(signal.SIGTERM)  # asks again, politely: no interruption
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
    assert "KeyboardInterrupt" in err


def test_a_stop_in_any_step_of_a_wait_ends_it() -> None:
    """Python runs a signal's handler between any two steps of the main thread, inside a wait too:
    here it asks to stop at the first step, then at the second, and so on to the last."""
    script = """
import sys

def steps(stop_at):
    clock, count = SystemClock(), 0

    def trace(frame, event, argument):
        nonlocal count
        frame.f_trace_opcodes = True
        if event == "opcode":
            count += 1
            if count == stop_at:
                sys.settrace(None)
                clock.stop()
        return trace

    sys.settrace(trace)
    clock.wait(0.001)
    sys.settrace(None)
    assert clock.wait(0) is (count >= stop_at)
    return count

at = 1
while steps(at) >= at:
    at += 1
print(at)
"""
    with started(script) as child:
        try:
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()
    assert int(out or 0) > 20, err
