"""One's own account: name, password, keys, sessions, its end."""
