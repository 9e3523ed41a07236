"""The SQL database: what was asked for, how far it is, and what is stored."""
