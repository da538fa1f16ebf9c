"""The seller's pages: classify a product, and follow one's own."""
