"""SQLite, PostgreSQL and MariaDB: real ones, asked as a model would ask, and attacked as a model might."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import databases
import pytest

from nbagents import Msg, ReActAgent
from nbagents.exceptions import UsageError
from nbagents.tools import Effect, ServiceExecStatus, ServiceToolkit, Toolkit
from nbagents.tools.database import Database, query_mysql, query_postgresql, query_sqlite

SERVERS = [pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("postgresql", "mysql")]
KINDS = ["sqlite", *SERVERS]
QUICK = 1.0
"""Seconds that a query of these tests may take at most."""
BOMB = "WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a) SELECT count(*) FROM a"
# What is asked, and a part of what the database objects. None: it is allowed, and harmless.
READING = {
    "sqlite": [
        ("DROP TABLE sales", "only be read"),
        ("INSERT INTO cities VALUES (9, 'Bern')", "only be read"),
        ("UPDATE cities SET name = 'x'", "only be read"),
        ("DELETE FROM sales RETURNING id", "only be read"),
        ("REPLACE INTO cities VALUES (1, 'x')", "only be read"),
        ("CREATE TEMP TABLE t (a)", "only be read"),
        ("ATTACH '{folder}/new.db' AS other", "only be read"),
        ("VACUUM INTO '{folder}/new.db'", "only be read"),
        ("PRAGMA journal_mode = DELETE", "only be read"),
        ("PRAGMA writable_schema = ON", "only be read"),
        ("PRAGMA database_list", "only be read"),
        ("BEGIN", "only be read"),
        ("SELECT load_extension('evil')", "not authorized to use function"),
        ("SELECT 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' REGEXP '(a+)+$'", "no such function"),
        ("SELECT 1; DROP TABLE sales", "one statement"),
        ("SELECT zeroblob(1000000000)", "too big"),
        (BOMB, "took longer than"),
        ("/* DROP TABLE sales; */ SELECT 'delete; drop table sales' AS a", None),
        ("PRAGMA table_info(sales)", None),
        ("EXPLAIN QUERY PLAN SELECT * FROM sales", None),
    ],
    "postgresql": [
        ("DROP TABLE sales", "read-only transaction"),
        ("INSERT INTO cities VALUES (9, 'Bern')", "read-only transaction"),
        ("WITH gone AS (DELETE FROM sales RETURNING id) SELECT * FROM gone", "read-only transaction"),
        ("EXPLAIN ANALYZE DELETE FROM sales", "read-only transaction"),
        ("SELECT nextval('numbers')", "read-only transaction"),
        ("SELECT 1; DROP TABLE sales", "multiple commands"),
        ("COMMIT; DROP TABLE sales", "multiple commands"),
        ("SET TRANSACTION READ WRITE", "must be set before any query"),
        ("DO $$ BEGIN SET TRANSACTION READ WRITE; DELETE FROM sales; END $$", "before any query"),
        ("DO $$ BEGIN COMMIT; SET default_transaction_read_only = off; DELETE FROM sales; END $$", "invalid"),
        ("SELECT set_config('transaction_read_only', 'off', false)", "must be set before any query"),
        ("SELECT set_config('statement_timeout', '0', false), pg_sleep(20)", "took longer than"),
        ("SELECT pg_read_file('/etc/passwd')", "permission denied"),
        ("SELECT lo_import('/etc/passwd')", "permission denied"),
        ("COPY sales TO PROGRAM 'cat > {folder}/new'", "pg_execute_server_program"),
        ("COPY sales TO '{folder}/new'", "pg_write_server_files"),
        ("DO $$ BEGIN RESET ROLE; PERFORM pg_read_file('/etc/passwd'); END $$", "permission denied"),
        ("SET SESSION AUTHORIZATION postgres", "permission denied"),
        (BOMB, "took longer than"),
        ("COMMIT", None),
        ("SHOW server_version", None),
        ("EXPLAIN SELECT * FROM sales", None),
    ],
    "mysql": [
        ("DROP TABLE sales", "no commands"),
        ("CREATE TABLE t (a INT)", "no commands"),
        ("INSERT INTO cities VALUES (9, 'Bern')", "READ ONLY"),
        ("DELETE FROM sales RETURNING id", "READ ONLY"),
        ("SELECT NEXT VALUE FOR numbers", "READ ONLY"),
        ("SELECT 1; DROP TABLE sales", "no commands"),
        (
            "BEGIN NOT ATOMIC COMMIT; SET SESSION TRANSACTION READ WRITE; DELETE FROM sales; END",
            "no commands",
        ),
        ("EXECUTE IMMEDIATE 'DROP TABLE sales'", "no commands"),
        ("SET PASSWORD = PASSWORD('mine')", "no commands"),
        ("SET STATEMENT max_statement_time = 0 FOR SELECT SLEEP(20)", "no commands"),
        ("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE cities", "no commands"),
        ("SELECT 1 INTO OUTFILE '{folder}/new'", "FILE privilege"),
        ("SELECT SLEEP(20)", "took longer than"),
        ("SELECT count(*) FROM seq_1_to_1000000000 a, seq_1_to_1000000 b", "took longer than"),
        ("SELECT LOAD_FILE('/etc/passwd') AS got", None),
        ("/* DROP TABLE sales; */ SELECT 'delete; drop table sales' AS a", None),
    ],
}


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory):
    """A function from the kind of a database to its address; each is made when first asked for."""
    made: dict[str, str] = {}
    folder = tmp_path_factory.mktemp("databases")
    with ExitStack() as stack:

        def shop(kind: str) -> str:
            if kind not in made:
                maker = databases.sqlite(folder) if kind == "sqlite" else getattr(databases, kind)()
                made[kind] = stack.enter_context(maker)
            return made[kind]

        yield shop


@pytest.mark.parametrize("kind", KINDS)
def test_rows_come_as_json_can_hold_them(kind: str, shops) -> None:
    shop = Database(shops(kind))
    got = shop.query(
        "SELECT name, count(*) AS n, max(sold) AS last FROM sales JOIN cities ON cities.id = city_id"
        " WHERE note LIKE '%off:%' GROUP BY name ORDER BY name"
    )
    assert got.status == ServiceExecStatus.SUCCESS, got.content
    assert [(row["name"], row["n"], row["last"]) for row in got.content] == [
        ("Oslo", 667, "2026-08-15"),
        ("Rome", 667, "2026-07-15"),
        ("Zürich", 666, "2026-09-15"),
    ]
    assert shop.query("SELECT 1 AS a, 2 AS a").content == [{"a": 1, "a_2": 2}]
    (row,) = shop.query("SELECT price FROM sales WHERE id = :id", {"id": 7}).content
    assert row == {"price": 1.75}
    assert shop.query("SELECT id FROM cities WHERE name = :name", {"name": "' OR 1 = 1 --"}).content == []
    assert (
        shop.query("SELECT id FROM cities WHERE name = :name", {"other": 1}).status == ServiceExecStatus.ERROR
    )
    json.dumps(got)


@pytest.mark.parametrize("kind", KINDS)
def test_no_more_rows_than_wanted_are_read(kind: str, shops) -> None:
    url = shops(kind)
    got = Database(url, maxcount_results=3).query("SELECT id FROM sales ORDER BY id")
    assert [row["id"] for row in got.content] == [0, 1, 2]
    assert "only the first 3 rows" in got.note
    endless = {
        "sqlite": "WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a) SELECT n FROM a",
        "postgresql": "SELECT generate_series(1, 1000000000) AS n",
        "mysql": "SELECT seq AS n FROM seq_1_to_1000000000",
    }
    got = Database(url, seconds=20).query(endless[kind])
    assert [row["n"] for row in got.content] == list(range(1, 1001))
    big = Database(url, maxcount_results=10**9).query("SELECT a.id, a.note FROM sales a, cities b, cities c")
    assert len(json.dumps(big.content)) < 60_000
    assert "there are more" in big.note


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_may_only_read_changes_nothing_and_waits_for_nothing(
    kind: str, shops, tmp_path: Path
) -> None:
    shop = Database(shops(kind), seconds=QUICK)
    before = shop.query("SELECT count(*) AS n, sum(price) AS all_of_it FROM sales").content
    for query, objection in READING[kind]:
        query, begun = query.replace("{folder}", str(tmp_path)), time.monotonic()
        got = shop.query(query)
        assert time.monotonic() - begun < 10 * QUICK, query
        if objection is None:
            assert got.status == ServiceExecStatus.SUCCESS, (query, got.content)
            assert "root:" not in str(got.content)
        else:
            assert got.status == ServiceExecStatus.ERROR, (query, got.content)
            assert objection in got.content, query
    assert shop.query("SELECT count(*) AS n, sum(price) AS all_of_it FROM sales").content == before
    assert len(shop.query("SELECT id FROM cities").content) == 3
    assert list(tmp_path.iterdir()) == []
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


LONG = "replace(hex(zeroblob(490000)), '0', 'a')"
TOO_LONG = [f"{LONG}, replace(hex(zeroblob({245_000 + n})), '0', 'a') || 'b'" for n in range(10)]
CHAIN = ", ".join(f"a{n + 1} AS (SELECT a + a AS a FROM a{n})" for n in range(40))


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT {', '.join(f'instr({each})' for each in TOO_LONG)}",
        f"SELECT {', '.join(f'length(replace({each}, 1))' for each in TOO_LONG)}",
        f"WITH a0 AS (SELECT id AS a FROM sales), {CHAIN} SELECT a FROM a40",
    ],
    ids=["instr", "replace", "nested"],
)
def test_what_sqlite_cannot_interrupt_is_ended_all_the_same(query: str, shops) -> None:
    begun = time.monotonic()
    got = Database(shops("sqlite"), seconds=0.2).query(query)
    assert time.monotonic() - begun < 10
    assert got.status == ServiceExecStatus.ERROR
    assert got.content.startswith(("the query took longer than 0.2 s", "the query needs too much memory"))


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_may_change_data_does(kind: str, shops, tmp_path: Path) -> None:
    url = shops(kind)
    shop = Database(url, allow_change_data=True, seconds=QUICK)
    assert shop.query("INSERT INTO cities VALUES (:id, :name)", {"id": 8, "name": "Bern"}).content == (
        "done; 1 row changed"
    )
    assert Database(url).query("SELECT name FROM cities WHERE id = 8").content == [{"name": "Bern"}]
    assert shop.query("DELETE FROM cities WHERE id = 8 RETURNING name").content == [{"name": "Bern"}]
    assert Database(url).query("SELECT name FROM cities WHERE id = 8").content == []
    assert shop.query("SELECT 1; DELETE FROM sales").status == ServiceExecStatus.ERROR
    outside = {
        "sqlite": [f"ATTACH '{tmp_path}/new.db' AS other", f"VACUUM INTO '{tmp_path}/new.db'"],
        "postgresql": [f"COPY sales TO PROGRAM 'cat > {tmp_path}/new'"],
        "mysql": [f"SELECT 1 INTO OUTFILE '{tmp_path}/new'"],
    }
    for query in outside[kind]:
        assert shop.query(query).status == ServiceExecStatus.ERROR, query
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_is_a_text_for_a_model(kind: str, shops) -> None:
    shop = Database(shops(kind))
    text = shop.schema().content
    assert "sales (2000 rows)" in text
    assert "  city_id INTEGER, not null, -> cities.id" in text
    assert "  id INTEGER, primary key" in text
    assert "cities" not in shop.schema("sales").content.splitlines()[0]
    unknown = shop.schema("salse")
    assert unknown.status == ServiceExecStatus.ERROR
    assert "there is no table 'salse'; there are: cities, sales" in unknown.content


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_sql_is_told_in_the_databases_words_without_the_address(kind: str, shops) -> None:
    url = shops(kind)
    got = Database(url).query("SELECT nope FROM sales")
    assert got.status == ServiceExecStatus.ERROR
    assert "nope" in got.content
    gone = url.replace("shop.db", "away.db").replace("@127.0.0.1", "@127.0.0.1:1")
    lost = Database(gone).query("SELECT 1")
    assert lost.status == ServiceExecStatus.ERROR
    for text in (got.content, lost.content, repr(Database(url))):
        assert databases.PASSWORD not in text
        assert "127.0.0.1" not in text
        assert "shop.db" not in text
    assert Database(url).query("  ").content == "the query is empty"


@pytest.mark.parametrize("kind", SERVERS)
def test_a_role_with_powers_over_the_machine_is_refused(kind: str, shops) -> None:
    parts = urlsplit(shops(kind))
    root = "postgres" if kind == "postgresql" else "root"
    for changes in (False, True):
        got = Database(f"{kind}://{root}@127.0.0.1{parts.path}", allow_change_data=changes).query("SELECT 1")
        assert got.status == ServiceExecStatus.ERROR
        assert "is not used, since it" in got.content


@pytest.mark.mysql
def test_a_power_that_comes_by_a_mariadb_role_is_refused_too(shops) -> None:
    shop, role = Database(shops("mysql")), f"{databases.NAME}_role"
    with databases.as_root() as cursor:
        cursor.execute(f"CREATE ROLE {role}")
        try:
            cursor.execute(f"GRANT FILE ON *.* TO {role}")
            cursor.execute(f"GRANT {role} TO {databases.NAME}@'%'")
            assert "the right FILE over the whole server" in shop.query("SELECT 1").content
        finally:
            cursor.execute(f"DROP ROLE {role}")
    assert shop.query("SELECT 1 AS a").content == [{"a": 1}]


@pytest.mark.parametrize("kind", KINDS)
def test_the_functions_take_what_agentscope_gives_them(kind: str, shops, tmp_path: Path) -> None:
    url = shops(kind)
    parts = urlsplit(url)
    if kind == "sqlite":
        got = query_sqlite(parts.path, "SELECT id FROM cities ORDER BY id", False, 2)
    else:
        ask = query_postgresql if kind == "postgresql" else query_mysql
        port = 5432 if kind == "postgresql" else 3306
        query = "SELECT id FROM cities ORDER BY id"
        given = (parts.path[1:], query, parts.hostname, parts.username, parts.password, port)
        got = ask(*given, maxcount_results=2)
    assert got.content == [{"id": 1}, {"id": 2}]
    getattr(os, "mkfifo", Path.touch)(tmp_path / "pipe")
    for path in ("nowhere.db", str(tmp_path), str(tmp_path / "pipe")):
        assert "no connection to the SQLite" in query_sqlite(path, "SELECT 1").content
    assert "not of SQLite" in query_sqlite("mysql://a@b/c", "SELECT 1").content


def test_a_model_is_not_asked_whether_it_may_change_data(shops) -> None:
    toolkit = Toolkit()
    toolkit.register_tool_function(query_sqlite, preset_kwargs={"database": shops("sqlite")})
    (schema,) = toolkit.get_json_schemas()
    assert set(schema["function"]["parameters"]["properties"]) == {"query", "maxcount_results", "parameters"}
    given = {"query": "DELETE FROM sales", "allow_change_data": True}
    answer = toolkit.call_tool_function(
        {"type": "tool_use", "id": "1", "name": "query_sqlite", "input": given}
    )
    assert "allow_change_data is not known" in answer.result().text


@pytest.mark.parametrize("function", [query_sqlite, query_postgresql, query_mysql])
def test_which_database_is_asked_is_not_for_a_model_to_say(function, shops) -> None:
    toolkit = Toolkit()
    with pytest.raises(UsageError, match="needs its database, which no model may give") as failed:
        toolkit.register_tool_function(function)
    assert failed.value.hint == "preset_kwargs={'database': ...}"
    with pytest.raises(UsageError, match="needs its database"):
        ServiceToolkit().add(function)
    toolkit.register_tool_function(function, preset_kwargs={"database": "shop.db"})
    (schema,) = toolkit.get_json_schemas()
    assert set(schema["function"]["parameters"]["properties"]) == {"query", "maxcount_results", "parameters"}


def test_two_databases_fit_in_one_toolkit(shops, tmp_path: Path) -> None:
    toolkit = Toolkit()
    with databases.sqlite(tmp_path) as other:
        Database(other, allow_change_data=True).query("DELETE FROM sales")
        for database in (Database(shops("sqlite"), name="shop"), Database(other, name="archive")):
            for tool in database.tools():
                toolkit.register_tool_function(tool)
        assert [*toolkit.tools] == ["show_shop_schema", "query_shop", "show_archive_schema", "query_archive"]
        for name, count in (("query_shop", 2000), ("query_archive", 0)):
            given = {"query": "SELECT count(*) AS n FROM sales"}
            block = {"type": "tool_use", "id": "1", "name": name, "input": given}
            assert toolkit.call_tool_function(block).result().text == f'[{{"n": {count}}}]'
    assert "archive" in toolkit.tools["show_archive_schema"].description
    with pytest.raises(UsageError, match="cannot be named 'my shop'"):
        Database(shops("sqlite"), name="my shop")


def test_the_tools_of_a_database_tell_the_model_what_is_left_out(shops) -> None:
    shop = Database(shops("sqlite"), maxcount_results=2)
    toolkit = Toolkit()
    for tool in shop.tools():
        toolkit.register_tool_function(tool)
    block = {
        "type": "tool_use",
        "id": "1",
        "name": "query_database",
        "input": {"query": "SELECT id FROM sales"},
    }
    answer = toolkit.call_tool_function(block).result()
    assert answer.text.startswith('[{"id": 0}, {"id": 1}]\n(only the first 2 rows are here')
    assert not answer.is_error
    assert {frozenset(tool.effects) for tool in toolkit.tools.values()} == {frozenset({Effect.READ})}
    _, ask = Database(shops("sqlite"), allow_change_data=True).tools()
    toolkit.register_tool_function(ask, func_name="change")
    assert toolkit.tools["change"].effects == {Effect.READ, Effect.WRITE}
    properties = [schema["function"]["parameters"]["properties"] for schema in toolkit.get_json_schemas()]
    assert [set(each) for each in properties[:2]] == [{"table"}, {"query", "parameters"}]
    assert toolkit.get_json_schemas()[1]["function"]["description"].startswith("Ask the SQLite database")


@pytest.mark.parametrize("kind", KINDS[:2])
def test_the_tools_go_along_to_a_server_with_their_agent(kind: str, shops, runtime: Path) -> None:
    toolkit = Toolkit(approve="auto")
    for tool in Database(shops(kind)).tools():
        toolkit.register_tool_function(tool)
    assert databases.PASSWORD not in repr([tool.preset_kwargs for tool in toolkit.tools.values()])
    steps = "1. query_database: SELECT count(*) AS n FROM sales"
    agent = ReActAgent(f"asker_{kind}", "You ask.", "demo", toolkit=toolkit, to_dist=True)
    try:
        assert agent(Msg("user", steps)).content == "query_database returned “[{'n': 2000}]”."
    finally:
        agent.stop()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("shop.db", "named by its address"),
        ("oracle://x", "not of SQLite, PostgreSQL or MySQL"),
        ("sqlite://", "in memory"),
        ("postgresql://a@b/c?options=-csuperuser", "cannot have the option 'options'"),
        ("mysql://a@b/c?init_command=x", "cannot have the option 'init_command'"),
        ("mysql://a@b:port/c", "no address of a database"),
    ],
)
def test_an_address_that_is_none_is_refused_at_once(url: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Database(url)
