"""What every refusal of the service means, for people and programs."""
