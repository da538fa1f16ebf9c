"""The release in memory, and the orchestrator's alarm clock."""
