"""Every statement the system runs on its database, one module per noun. Nothing here commits."""
