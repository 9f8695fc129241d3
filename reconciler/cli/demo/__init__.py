"""`reconciler demo`: the whole road on one machine, in about a minute, with nothing but real parts.

Two model servers and the service are processes, the repository is a git repository, the models are SavedModels, the
clients' requests cross loopback. `stage` sets up · `fleet` processes · `commits` git · `traffic` and `tally` clients ·
`witness` the service's record · `story` the chapters · `timeline` what people read. It alone may reach around adapters:
it plays the parts of servers, clients and committers, which are outside.
"""

import asyncio
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from reconciler.cli.demo.commits import Repository
from reconciler.cli.demo.fleet import DidNotStart, Processes, tail
from reconciler.cli.demo.stage import ACTORS, VERSIONS, ExamplesMissing, Stage
from reconciler.cli.demo.story import Cast, Story
from reconciler.cli.demo.summary import summarise
from reconciler.cli.demo.timeline import Timeline
from reconciler.cli.demo.traffic import Client, Recogniser, Traffic
from reconciler.cli.demo.witness import TookTooLong, Witness
from reconciler.cli.exits import Exit

SERVERS = 2
EXPORT_WITHIN = 120.0
SERVICE_WITHIN = 20.0


def main() -> int:
    """Play the demo; OK where every claim held."""
    signal.signal(signal.SIGTERM, _interrupt)
    timeline = Timeline(Console(highlight=False, emoji=False, markup=False))
    folder = Path(tempfile.mkdtemp(prefix="reconciler-demo-"))
    processes = Processes(folder)
    try:
        # Outside the event loop, so that Ctrl-C ends it at once: there are no clients yet that it could hold up.
        began, stage = time.monotonic(), Stage(folder)
        repository = _set_up(stage, processes, timeline)
        timeline.say(f"Set up in {time.monotonic() - began:.1f} s. The story begins; requests never stop once it has.")
        asyncio.run(_play(stage, repository, processes, timeline))
    except (DidNotStart, ExamplesMissing, TookTooLong) as error:
        timeline.claim(False, str(error))
        timeline.say(tail(processes.service_log))
    finally:
        took = processes.close()
        shutil.rmtree(folder, ignore_errors=True)
    timeline.claim(took < 5.0, f"the service ended {took:.1f} s after SIGTERM")
    return _verdict(timeline)


async def _play(stage: Stage, repository: Repository, processes: Processes, timeline: Timeline) -> None:
    began = time.monotonic()
    witness = await Witness.of(stage.state, SERVICE_WITHIN)
    known = {each.name: (each.kind, Recogniser(each.kind, VERSIONS)) for each in ACTORS}
    pairs = zip(stage.servers, processes.servers, strict=True)
    traffic = Traffic({name: Client(each.grpc_port, each.rest_port, known) for name, each in pairs})
    try:
        await Story(Cast(stage, repository, processes, traffic, witness, timeline)).play()
    finally:
        await traffic.close()
        witness.close()
    summarise(traffic.lines, timeline, time.monotonic() - began)


def _set_up(stage: Stage, processes: Processes, timeline: Timeline) -> Repository:
    """Export, start the servers and the service, make the repository. Raises DidNotStart, ExamplesMissing."""
    processes.exporting = stage.export()
    servers = [processes.add(f"server-{number + 1}") for number in range(SERVERS)]
    repository = Repository(stage.folder)
    repository.create()
    stage.write_documents(repository.work, servers)
    timeline.say(f"Two model servers start, three versions of two models are exported. All in {stage.folder}.")
    for server in servers:
        server.start()
    if any(each.wait(EXPORT_WITHIN) for each in processes.exporting):
        raise DidNotStart(f"Exporting the models failed:\n{tail(stage.folder / 'export.log')}")
    for server in servers:
        server.wait()
    processes.start_service(repository.origin, stage.state)
    return repository


def _verdict(timeline: Timeline) -> int:
    if not timeline.broken:
        timeline.say("\nEvery claim held.", "bold green")
        return Exit.OK
    timeline.say(f"\n{len(timeline.broken)} claim(s) did not hold.", "bold red")
    return Exit.ERROR


def _interrupt(_number: int, _frame: object) -> None:
    """SIGTERM ends the demo as Ctrl-C does: with everything it started."""
    sys.stderr.write("Told to stop; ending everything that was started.\n")
    raise KeyboardInterrupt
