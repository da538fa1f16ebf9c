"""What the watch over the model's answers has read."""
