"""The database: engine, types, unit of work, queue and migrations."""
