"""What the sender of a product says of its answer."""
