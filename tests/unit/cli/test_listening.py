"""Which ports are free."""

from __future__ import annotations

import socket

from ringbid.edge.listening import next_free_port, why_not_free


def test_a_port_that_somebody_listens_on_is_not_free_and_the_next_one_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert why_not_free("127.0.0.1", port) == "Address already in use"
        assert next_free_port("127.0.0.1", port) > port
    assert why_not_free("127.0.0.1", port) is None
    assert next_free_port("127.0.0.1", port) == port


def test_an_address_that_is_not_ours_is_not_free() -> None:
    assert why_not_free("192.0.2.1", 8700) == "Cannot assign requested address"
