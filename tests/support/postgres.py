"""A PostgreSQL of our own for the tests: one temporary cluster a test process.

The fixtures of `conftest` take databases from here. A machine without PostgreSQL fails its tests; none is skipped.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

from support.loopback import free_port

BINARIES = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/pgsql-*/bin")


class PostgresMissing(Exception):  # noqa: N818 -- a state of the machine, named as what it is
    """There is no PostgreSQL to test with."""


def find_binary(name: str) -> str:
    """The path of PostgreSQL's program `name`: on the PATH, or where the usual packages put it (newest first)."""
    found = shutil.which(name)
    if found is not None:
        return found
    candidates = [path for pattern in BINARIES for path in Path("/").glob(f"{pattern[1:]}/{name}")]
    if not candidates:
        raise PostgresMissing(f"PostgreSQL's `{name}` was not found: install it (Debian: apt install postgresql)")
    return str(max(candidates, key=_version))


def _version(path: Path) -> int:
    digits = "".join(letter for letter in path.parts[-3] if letter.isdigit())
    return int(digits or 0)


@dataclass
class Cluster:
    """A running server on a random port of 127.0.0.1, with its data in a temporary folder.

    `durable` keeps fsync on, for tests that kill it.
    """

    folder: Path
    port: int
    durable: bool = False
    _numbers: count[int] = field(default_factory=lambda: count(1))

    @classmethod
    def start(cls, *, durable: bool = False) -> Cluster:
        folder = Path(tempfile.mkdtemp(prefix="ringbid-postgres-"))
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
        cluster = cls(folder, free_port(), durable)
        cluster._run(
            find_binary("initdb"),
            "--pgdata", str(cluster.data),
            "--username", "ringbid",
            "--auth", "trust",
            "--encoding", "UTF8",
            "--no-locale",
            "--no-sync",
        )  # fmt: skip
        cluster.boot()
        return cluster

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def process_id(self) -> int:
        """The postmaster's."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def boot(self) -> None:
        """Start the server on the data that is there, and wait until it takes connections."""
        options = [
            f"-p {self.port}",
            "-c listen_addresses=127.0.0.1",
            f"-k {self.folder}",
            f"-c fsync={'on' if self.durable else 'off'}",
            "-c max_connections=100",
            "-c shared_buffers=64MB",
            "-c log_min_messages=fatal",
        ]
        self._run(
            find_binary("pg_ctl"), "start", "--wait", "--silent",
            "--pgdata", str(self.data),
            "--log", str(self.folder / "log"),
            "--options", " ".join(options),
        )  # fmt: skip

    def stop(self) -> None:
        """Stop at once and remove everything."""
        self._run(
            find_binary("pg_ctl"), "stop", "--wait", "--silent", "--mode", "immediate", "--pgdata", str(self.data)
        )
        shutil.rmtree(self.folder)

    def kill(self) -> None:
        """SIGKILL the postmaster and all its children, as a power cut of the machine would."""
        children = Path(f"/proc/{self.process_id}/task/{self.process_id}/children").read_text().split()
        for process_id in (self.process_id, *map(int, children)):
            os.kill(process_id, signal.SIGKILL)

    def boot_after_kill(self, *, within_seconds: float = 60) -> None:
        """Start again; PostgreSQL refuses as long as children of the killed one are about."""
        ends_at = time.monotonic() + within_seconds
        while True:
            try:
                self.boot()
            except subprocess.CalledProcessError:
                if time.monotonic() > ends_at:
                    raise
                time.sleep(0.1)
            else:
                return

    def url(self, database: str) -> str:
        return f"postgresql://ringbid@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """A fresh, empty database's URL."""
        name = f"ringbid_{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {name} template template0".encode())
        return self.url(name)

    def _run(self, *command: str) -> None:
        """As the user `postgres` where we are root: PostgreSQL refuses to run as root."""
        prefix = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups") if os.geteuid() == 0 else ()
        subprocess.run((*prefix, *command), check=True, cwd=self.folder, stdout=subprocess.DEVNULL)
