"""The staging database: tables, sessions, and the repositories that hold every query."""
