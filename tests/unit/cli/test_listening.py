"""Ports are taken, not only found."""

from __future__ import annotations

import socket

import pytest

from ringbid.edge.listening import take_next_port, take_port, why_not_free


def test_a_port_that_was_taken_is_not_free_and_the_next_one_is_another() -> None:
    with take_port("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert why_not_free("127.0.0.1", port) == "Address already in use"
        with take_next_port("127.0.0.1", port) as other:
            assert other.getsockname()[1] > port
    assert why_not_free("127.0.0.1", port) is None


def test_two_that_look_for_the_next_port_at_once_get_two_ports() -> None:
    with take_next_port("127.0.0.1", 18700) as one, take_next_port("127.0.0.1", 18700) as two:
        assert one.getsockname() != two.getsockname()


def test_a_client_may_connect_before_the_server_accepts() -> None:
    with take_port("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname(), timeout=5) as client:
        assert client.getpeername() == listener.getsockname()


def test_an_address_that_is_not_ours_is_said_in_the_systems_words() -> None:
    assert why_not_free("192.0.2.1", 8700) == "Cannot assign requested address"
    with pytest.raises(OSError, match="Cannot assign requested address"):
        take_port("192.0.2.1", 8700)
