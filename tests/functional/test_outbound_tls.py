"""The outbound client over TLS: what is trusted, what is not."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from ringbid.buyers.protocol import Answer
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support import hostile_server as buyers
from support.certificates import Certificates, make_certificates
from support.hostile_server import HostileServer, ask_to, in_good_time, open_client, run

LOOPS = pytest.mark.parametrize("loop", ["uvloop", "asyncio"])


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


async def loopback(_: str) -> tuple[str, ...]:
    return ("127.0.0.1",)


@LOOPS
@pytest.mark.parametrize("host", ["buyer.test", "127.0.0.1"])
def test_a_certificate_of_a_trusted_authority_is_accepted_and_the_connection_kept(
    certificates: Certificates, host: str, loop: str
) -> None:
    async def story() -> None:
        async with (
            HostileServer(buyers.echo, tls=certificates.server_context) as server,
            open_client(resolver=loopback, ca_file=certificates.ca_file) as client,
        ):
            for body in (b"one", b"two"):
                ask = ask_to(f"https://{host}:{server.port}/", body=body)
                answer = await client.send(ask, ends_at=in_good_time())
                assert isinstance(answer, Answer), answer
                assert answer.body == body
            assert server.connections == 1

    run(story(), loop=loop)


@LOOPS
@pytest.mark.parametrize(("host", "trusted"), [("buyer.test", False), ("other.test", True)])
def test_an_unknown_authority_and_another_name_are_refused(
    certificates: Certificates, host: str, trusted: bool, loop: str
) -> None:
    async def story() -> None:
        ca_file = certificates.ca_file if trusted else None
        async with (
            HostileServer(buyers.echo, tls=certificates.server_context) as server,
            open_client(resolver=loopback, ca_file=ca_file) as client,
        ):
            result = await client.send(ask_to(f"https://{host}:{server.port}/"), ends_at=in_good_time())
            assert isinstance(result, Refused), result
            assert result.reason is Reason.ASK_TLS_FAILED
            assert (result.actual or "").startswith("certificate: ")
            assert server.requests == []

    run(story(), loop=loop)


@LOOPS
def test_a_server_that_speaks_no_tls_fails_the_handshake(loop: str) -> None:
    async def story() -> None:
        async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(plain, "127.0.0.1", 0) as server, open_client() as client:
            port = server.sockets[0].getsockname()[1]
            result = await client.send(ask_to(f"https://127.0.0.1:{port}/"), ends_at=in_good_time())
            assert isinstance(result, Refused), result
            assert result.reason is Reason.ASK_TLS_FAILED

    run(story(), loop=loop)


def test_an_authority_that_cannot_be_read_is_told_at_the_start(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_client(ca_file=tmp_path / "missing.pem"):
            pass

    with pytest.raises(OSError, match="No such file"):
        run(story())
    (tmp_path / "broken.pem").write_text("nothing")

    async def broken() -> None:
        async with open_client(ca_file=tmp_path / "broken.pem"):
            pass

    with pytest.raises(ssl.SSLError):
        run(broken())
