"""The review desk: one product after the other, many of one category at once, and labels that look wrong."""
