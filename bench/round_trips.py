"""What one round trip to PostgreSQL costs: CPU microseconds of the asking thread, ours beside the driver's cursors.

    python -m bench.round_trips

Each round sends 1, 4, 12 or 24 statements together, which find one row of a small table by its key; the two ways take
turns. The least of several rounds counts: on a shared machine all noise is upwards.
See docs/adr/0014-round-trips-on-libpq.md.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import psycopg

from ringbid.store.pipeline import Pipeline
from ringbid.store.postgres import connect
from ringbid.store.statements import Row
from support.postgres import Cluster

TOGETHER = (1, 4, 12, 24)
ROUNDS, TRIPS = 9, 100
TEXT = "SELECT name, amount, data FROM thing WHERE name = ANY ($1::text[]) AND amount > $2"
VALUES = [["one", "two"], 5]

Way = Callable[[int], list[list[Row]]]


def through_cursors(connection: psycopg.Connection[Row], statements: int) -> list[list[Row]]:
    """As the driver means it: its pipeline mode, and a cursor for each statement."""
    cursors = []
    with connection.pipeline():
        for _ in range(statements):
            cursor = psycopg.RawCursor(connection)
            cursor.execute(TEXT.encode(), VALUES, prepare=True)
            cursors.append(cursor)
    return [cursor.fetchall() for cursor in cursors]


def through_pipeline(pipeline: Pipeline, statements: int) -> list[list[Row]]:
    """As the store does."""
    return [answer.rows for answer in pipeline.run([(TEXT, VALUES)] * statements)]


def measure(ways: dict[str, Way]) -> dict[tuple[str, int], tuple[float, float]]:
    """By way and statements: the least CPU and wall time of a round trip, in microseconds."""
    found: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    for _ in range(ROUNDS):
        for statements in TOGETHER:
            for name, way in ways.items():
                wall, cpu = time.perf_counter(), time.thread_time()
                for _ in range(TRIPS):
                    way(statements)
                spent = time.thread_time() - cpu, time.perf_counter() - wall
                found[name, statements].append((spent[0] / TRIPS * 1e6, spent[1] / TRIPS * 1e6))
    return {key: (min(cpu for cpu, _ in spent), min(wall for _, wall in spent)) for key, spent in found.items()}


def main() -> None:
    cluster = Cluster.start()
    try:
        url = cluster.create_database()
        with connect(url) as one, connect(url) as other:
            one.execute(b"CREATE TABLE thing (name text PRIMARY KEY, amount bigint, data bytea)")
            one.execute(b"INSERT INTO thing VALUES ('one', 7, 'data'), ('three', 7, 'data')")
            ways: dict[str, Way] = {
                "the driver's cursors": partial(through_cursors, one),
                "ours": partial(through_pipeline, Pipeline(other)),
            }
            assert len({str(way(3)) for way in ways.values()}) == 1, "both ways give the same"
            found = measure(ways)
    finally:
        cluster.stop()
    print("Microseconds a round trip: CPU of the asking thread (and until the answers are there)")
    print(f"{'statements together':24}" + "".join(f"{statements:>16}" for statements in TOGETHER))
    for name in ways:
        figures = (found[name, statements] for statements in TOGETHER)
        print(f"{name:24}" + "".join(f"{f'{cpu:.0f} ({wall:.0f})':>16}" for cpu, wall in figures))


if __name__ == "__main__":
    main()
