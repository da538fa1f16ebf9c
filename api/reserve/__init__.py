"""Products that nobody has labelled, for whoever wants to try the service without one of their own."""
