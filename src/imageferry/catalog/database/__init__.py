"""The database: connections, tables, migrations and what each dialect needs."""
