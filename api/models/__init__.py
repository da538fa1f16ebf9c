"""What is served, and the categories it answers in."""
