"""Whether a served model still does what it was let through for: pure statistics over verdicts and inputs."""
