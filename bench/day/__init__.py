"""A day of the whole system in a quarter of an hour: every DAG in the real scheduler, and what each is there for."""
