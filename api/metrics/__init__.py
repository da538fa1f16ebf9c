"""Figures for a monitoring system, on a port of their own: of the requests, of the models, of the loop."""
