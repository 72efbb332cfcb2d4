"""The version of an index's schema, and the migration to the present one. Forward only."""

from collections.abc import Iterator
from importlib.resources import as_file, files
from typing import Any, Final, NamedTuple

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from nvm_chain.errors import NewerSchema, OlderSchema, WrongDatabase
from nvm_chain.index.schema import VERSION, VERSION_TABLE

LOCK: Final = 0x6E766D69
"""The number of the advisory lock in PostgreSQL under which an index is made or migrated."""


class Schema(NamedTuple):
    """A schema: its last migration, the table of its version, and the package with the folder of its migrations."""

    version: str
    version_table: str
    package: str


INDEX: Final = Schema(VERSION, VERSION_TABLE, "nvm_chain.index")


def read_version(connection: Connection, where: str, schema: Schema | None = None) -> str | None:
    """Return the version of the schema, or None for an empty database. Raises WrongDatabase for another program's."""
    names, table = inspect(connection).get_table_names(), (schema or INDEX).version_table
    if table not in names:
        if names:
            raise WrongDatabase(where, f"it has no table {table}, but {names[0]} of another program")
        return None
    found = connection.exec_driver_sql(f"SELECT version_num FROM {table}").scalars().all()  # noqa: S608
    if len(found) != 1 or not found[0].isdigit():
        raise WrongDatabase(where, f"its table {table} does not have a version")
    return str(found[0])


def check_version(version: str | None, where: str, schema: Schema | None = None) -> None:
    """Raise unless a database has the present schema.

    Raises:
        WrongDatabase: The database is empty.
        OlderSchema: An older version of the package wrote the index.
        NewerSchema: A newer version of the package wrote the index.
    """
    present = (schema or INDEX).version
    if version is None:
        raise WrongDatabase(where, "it is empty")
    if version > present:
        raise NewerSchema(where, version, present)
    if version < present:
        raise OlderSchema(where, version, present)


def migrate(connection: Connection, where: str, schema: Schema | None = None) -> None:
    """Migrate a database to the present schema, within the connection's transaction.

    Raises:
        WrongDatabase: The database belongs to another program.
        NewerSchema: A newer version of the package wrote the index.
    """
    schema = schema or INDEX
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    version = read_version(connection, where, schema)
    if version is not None and version >= schema.version:
        check_version(version, where, schema)
        return
    with as_file(files(schema.package) / "migrations") as folder:
        script = ScriptDirectory(str(folder))
        context = _build_context(connection, script, schema.version_table)
        with Operations.context(context):
            context.run_migrations()


def _build_context(connection: Connection, script: ScriptDirectory, version_table: str) -> MigrationContext:
    def find_steps(found: Any, _: object) -> Iterator[MigrationStep]:
        for revision in reversed([*script.iterate_revisions("head", found or "base")]):
            yield MigrationStep.upgrade_from_script(script.revision_map, revision)

    options = {"version_table": version_table, "fn": find_steps, "transactional_ddl": True}
    return MigrationContext.configure(connection, opts=options)
