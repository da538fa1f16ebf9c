"""The service from a shell, one file a room."""
