"""What turns raw titles, descriptions and photos into a model's inputs, and new rows into training data."""
