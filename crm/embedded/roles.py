"""The two roles of the database: one that owns the schema, one that the application runs as. Neither a superuser."""

import psycopg
from psycopg import sql

OWNER, APPLICATION = "fairway_owner", "fairway_app"
DATABASE = "fairway"

ROLES = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fairway_owner') THEN
    CREATE ROLE fairway_owner LOGIN CREATEDB NOSUPERUSER NOCREATEROLE;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'fairway_app') THEN
    CREATE ROLE fairway_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
  END IF;
END $$
"""
GRANTS = """
ALTER DEFAULT PRIVILEGES FOR ROLE fairway_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO fairway_app;
ALTER DEFAULT PRIVILEGES FOR ROLE fairway_owner IN SCHEMA public
  GRANT USAGE, SELECT ON SEQUENCES TO fairway_app
"""


def create_roles(superuser_url: str, database: str = DATABASE) -> None:
    """Create both roles and the owner's database on a server; whatever exists stays as it is.

    The application's rights are default privileges, set in `template1` too: databases made later, those of the
    tests among them, have them from birth.
    """
    with psycopg.connect(superuser_url, dbname="template1", autocommit=True) as template:
        template.execute(ROLES)
        template.execute(GRANTS)
        if not template.execute("SELECT FROM pg_database WHERE datname = %s", [database]).rowcount:
            names = {"name": sql.Identifier(database), "owner": sql.Identifier(OWNER)}
            template.execute(sql.SQL("CREATE DATABASE {name} OWNER {owner}").format(**names))
