"""Parts of the review desk: labelled products like the one in question, and what belongs into a category."""
