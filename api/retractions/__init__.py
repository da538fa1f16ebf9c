"""Taking a person's labels back."""
