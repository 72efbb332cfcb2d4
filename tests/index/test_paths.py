"""How reads find their rows: by an index and not by looking at all, in both databases."""

import json
from typing import Any

import pytest
from sqlalchemy import Connection

from nvm_chain.index import histories
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.rows import ARRAY_VALUES, JSON_VALUES, ask
from tests.support.world import ZERO

BLOCKS = 20_000
LARGE = ("events", "movements", "sales", "blocks", "forgone", "accounts")
HOLDER = {
    "own events": histories.OWN["holder"],
    "own sales": histories.PAID,
    "own plans": histories.PLANS_OF_HOLDER,
    "own settlements": histories.SETTLED.format(column="holder"),
    "events": histories.READ,
    "undelivered fees": histories.FORGONE_OF_BLOCKS,
    "sales of blocks": histories.SALES_OF_BLOCKS,
}
FILL = (
    "INSERT INTO blocks SELECT n, {hash}, 1700000000 + 2 * n FROM numbers",
    "INSERT INTO events SELECT n << 20, 17, {hash}, {hash}, {hash}, {hash}, {hash} FROM numbers",
    "INSERT INTO movements SELECT {account}, {hash}, n << 20, 0, 0, 5, NULL FROM numbers",
    "INSERT INTO sales SELECT n << 20, 0, {hash}, {account}, {account}, 1, '5', NULL FROM numbers",
    "INSERT INTO forgone SELECT n << 20, {hash}, {account}, '5' FROM numbers",
)
SQLITE = {
    "numbers": "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {blocks}) ",
    "hash": "CAST(printf('%032d', n % 1000) AS BLOB)",
    "account": "CAST(printf('%020d', n % 1000) AS BLOB)",
}
POSTGRES = {
    "numbers": "WITH numbers(n) AS (SELECT generate_series(1::bigint, {blocks})) ",
    "hash": "convert_to(lpad((n % 1000)::text, 32, '0'), 'UTF8')",
    "account": "convert_to(lpad((n % 1000)::text, 20, '0'), 'UTF8')",
}


@pytest.fixture
def index(index_url: str) -> Any:
    """An index with many rows, of which each holder has twenty."""
    index = open_index(index_url, chain_id=1, credits=ZERO.replace("00", "11"), create=True)
    with index.writing() as connection:
        fill(connection, SQLITE if index.is_sqlite else POSTGRES)
    with index.writing() as connection:
        connection.exec_driver_sql("ANALYZE")
    yield index
    index.close()


def fill(connection: Connection, words: dict[str, str]) -> None:
    """Write made-up rows."""
    for statement in FILL:
        verb, _, query = statement.format(**words).partition(" SELECT ")
        numbers = words["numbers"].format(blocks=BLOCKS)
        text = f"{verb} {numbers}SELECT {query}".replace("'5'", "5" if "lpad" in words["hash"] else "'5'")
        connection.exec_driver_sql(text.replace("%", "%%") if "lpad" in words["hash"] else text)


def explain(index: Index, query: str) -> str:
    """Return how the database would find the rows of a query of one holder, or of ten blocks."""
    numbers = [number << 20 for number in range(10)] if "v.value)" in query or "= v.value" in query else [*range(10)]
    values: Any = json.dumps(numbers) if index.is_sqlite else numbers
    given = {"key": b"%020d" % 7, "kind": 5, "values": values}
    spelled = query.replace("{values}", JSON_VALUES if index.is_sqlite else ARRAY_VALUES)
    used = {name: value for name, value in given.items() if f":{name}" in spelled}
    verb = "EXPLAIN QUERY PLAN" if index.is_sqlite else "EXPLAIN"
    with index.snapshot() as connection:
        return "\n".join(str(row[-1]) for row in ask(connection, f"{verb} {spelled}", **used))


@pytest.mark.parametrize("name", HOLDER)
def test_statement__of_a_holder__looks_up_its_own_rows_alone(index: Index, name: str) -> None:
    """The time of one holder's statement must not depend on what the others did."""
    plan = explain(index, HOLDER[name])
    scans = [f"SCAN {alias}" for alias in (*LARGE, "e", "b", "s", "f")]
    scans = scans if index.is_sqlite else [f"Seq Scan on {table}" for table in LARGE]
    found = [line for line in plan.splitlines() if any(line.strip().lstrip("-> ").startswith(scan) for scan in scans)]
    assert found == [], plan


def test_explain__of_a_query_without_an_index__finds_the_scan(index: Index) -> None:
    plan = explain(index, "SELECT place FROM events WHERE tx = :key")
    assert ("SCAN events" if index.is_sqlite else "Seq Scan on events") in plan


def test_owners__of_plans__are_found_by_an_index_of_their_own(index: Index) -> None:
    with index.snapshot() as connection:
        verb = "EXPLAIN QUERY PLAN" if index.is_sqlite else "EXPLAIN"
        rows = ask(connection, f"{verb} {histories.OWNERSHIPS}", key=b"%020d" % 7, word=b"%032d" % 7)
    assert "events_of_owners" in "\n".join(str(row[-1]) for row in rows)
