"""Where an answer comes from, and where a label went."""
