"""Products, the model's suggestions for them, and reading them back."""
