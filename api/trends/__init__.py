"""What the loop has done day by day, and where it stands."""
