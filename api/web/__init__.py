"""The pages: rendered here, changed through the same routes that every other client uses."""
