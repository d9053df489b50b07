"""`ringbid sip …`: Kamailio's configuration from the settings, and Kamailio itself in the foreground."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.text import Text

from ringbid import bootstrap
from ringbid.cli.checks import Finding
from ringbid.cli.console import fail, output
from ringbid.cli.running import read_settings, run, stop_on_signals
from ringbid.edge.telephony.sip.commands import EngineCommands, EngineUnreachable
from ringbid.edge.telephony.sip.config import WrongSipSettings, sip_folder, split_address, write_config
from ringbid.edge.telephony.sip.engine import EngineFailed, answers_ping, check_config, find_missing
from ringbid.edge.telephony.sip.running import run_engine as keep_running
from ringbid.settings import Settings


def config(folder: Path | None, *, data: Path | None, database: str | None) -> None:
    """Write the files of Kamailio's configuration, and say how it is started with them."""
    settings = read_settings(data=data, database=database)
    try:
        main_file = write_config(settings, folder or sip_folder(settings))
    except WrongSipSettings as error:
        fail(str(error), "docs/settings.md lists the settings of [sip].")
    console = output()
    console.print(Text(f"Written: {main_file} and what it includes."), soft_wrap=True)
    console.print(Text("`ringbid sip run` starts Kamailio with the same settings.", "dim"), soft_wrap=True)


def run_engine(*, data: Path | None, database: str | None) -> None:
    """Run Kamailio, and rtpengine where media pass through it, until Ctrl-C or SIGTERM."""
    settings = read_settings(data=data, database=database)
    missing = find_missing(settings)
    if missing:
        fail(f"{', '.join(missing)} missing here.", f"apt-get install --no-install-recommends {' '.join(missing)}")
    run(_run(settings), settings)


def check_sip(settings: Settings) -> Finding:
    """What `ringbid doctor` says of the phone side: whether calls can come in as the settings say."""
    if settings.sip.domain is None and not settings.carriers:
        return Finding(
            "Phones", "doubtful", "no calls come in: neither sip.domain nor a carrier is set", "docs/phones.md"
        )
    if settings.sip.domain is None:
        return Finding("Phones", "ok", f"carriers call: {', '.join(settings.carriers)}")
    missing = find_missing(settings)
    if missing:
        names = " ".join(missing)
        return Finding(
            "Phones", "broken", f"{', '.join(missing)} missing", f"apt-get install --no-install-recommends {names}"
        )
    try:
        with TemporaryDirectory(prefix="ringbid-") as folder:
            wrong = check_config(write_config(settings, Path(folder)))
    except WrongSipSettings as error:
        wrong = str(error)
    if wrong is not None:
        return Finding("Phones", "broken", wrong, "docs/settings.md lists the settings of [sip]")
    try:
        asyncio.run(EngineCommands(settings.sip).uptime_seconds())
    except EngineUnreachable:
        where = settings.sip.control_address
        return Finding("Phones", "doubtful", f"Kamailio does not answer at {where}", "ringbid sip run")
    media, where = settings.sip.media, settings.sip.rtpengine_address
    if media != "none" and not answers_ping(*split_address(where, name="rtpengine_address")):
        # Calls go on without it, so that nobody else notices.
        meanwhile = "media go directly" + (", and nothing is recorded" if media == "record" else "")
        return Finding("Phones", "doubtful", f"rtpengine does not answer at {where}: {meanwhile}", "ringbid sip run")
    return Finding("Phones", "ok", f"Kamailio answers at {settings.sip.control_address}")


async def _run(settings: Settings) -> None:
    def say_ready() -> None:
        where = ", ".join(settings.sip.listen_addresses)
        output().print(Text(f"Kamailio takes calls on {where} and asks the server for their way."), soft_wrap=True)

    try:
        await bootstrap.prepare_engine(settings)
        await keep_running(settings, stop=stop_on_signals(), on_ready=say_ready)
    except (EngineFailed, WrongSipSettings) as error:
        fail(str(error))
