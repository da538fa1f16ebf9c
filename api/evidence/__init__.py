"""What helps to decide: labelled products like the one in question, and what belongs into a category."""
