"""The HTTP service: one folder per noun, each with routes, schemas and service."""
