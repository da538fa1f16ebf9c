"""A generated catalogue in the challenge's file layout, so that the loop runs without anybody's data."""
