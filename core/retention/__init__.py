"""What stays on the disk and what goes: pure rules, what exists, what is named, and taking away."""
