"""The tables that Kamailio writes: a call that has its record is over, also for a Kamailio that is started again."""

from __future__ import annotations

import psycopg
from psycopg.pq import TransactionStatus

from ringbid.store.engine_tables import EngineTables, create_engine_tables
from support.postgres import Cluster

DIALOG = """
INSERT INTO sip_dialog (hash_entry, hash_id, callid, from_uri, from_tag, to_uri, to_tag, caller_cseq, callee_cseq,
    caller_contact, callee_contact, caller_sock, callee_sock, state, start_time, req_uri)
VALUES (%s, 1, %s, '', '', '', '', '', '', '', '', '', '', 4, 0, '')
"""


def test_a_server_that_starts_again_does_not_wait_for_a_kamailio_that_writes(postgres_cluster: Cluster) -> None:
    url = postgres_cluster.create_database()
    create_engine_tables(url)
    with psycopg.connect(url) as kamailio:
        kamailio.execute(DIALOG.encode(), [1, "live"])
        kamailio.execute(b"INSERT INTO sip_record (callid, attempt) VALUES ('over', 'a1')")
        create_engine_tables(f"{url}?options=-c%20lock_timeout%3D200ms")  # raises where it waits for a lock so long
        assert kamailio.info.transaction_status is TransactionStatus.INTRANS, "Kamailio writes all the while"


def test_tables_of_an_earlier_ringbid_get_what_they_lack(postgres_cluster: Cluster) -> None:
    url = postgres_cluster.create_database()
    create_engine_tables(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(b"DELETE FROM sip_version WHERE table_name = 'ringbid'")
        connection.execute(b"DROP TRIGGER sip_record_ends_dialog ON sip_record")
        connection.execute(b"ALTER TABLE sip_record DROP COLUMN name")
        connection.execute(b"INSERT INTO sip_record (callid, attempt) VALUES ('over', 'a1')")
        create_engine_tables(url)
        triggers = connection.execute(b"SELECT tgname FROM pg_trigger WHERE tgrelid = 'sip_record'::regclass")
        assert triggers.fetchall() == [("sip_record_ends_dialog",)]
    table = EngineTables(url)
    assert [row[1] for row in table.unnoted(10)] == ["over"]
    table.close()


def test_a_record_ends_its_dialog_and_no_other(postgres_cluster: Cluster) -> None:
    url = postgres_cluster.create_database()
    create_engine_tables(url)
    create_engine_tables(url)  # each server does that when it starts
    with psycopg.connect(url, autocommit=True) as kamailio:
        for entry, call in ((1, "over"), (2, "live")):
            kamailio.execute(DIALOG.encode(), [entry, call])
            kamailio.execute(b"INSERT INTO sip_dialog_vars VALUES (DEFAULT, %s, 1, 'callid', %s)", [entry, call])
        kamailio.execute(b"INSERT INTO sip_record (callid, attempt) VALUES ('over', 'a1')")
        assert kamailio.execute(b"SELECT callid FROM sip_dialog").fetchall() == [("live",)]
        assert kamailio.execute(b"SELECT dialog_value FROM sip_dialog_vars").fetchall() == [("live",)]
    table = EngineTables(url)
    assert [row[1] for row in table.unnoted(10)] == ["over"]
    table.close()
