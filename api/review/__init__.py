"""What a person decides about a suggestion."""
