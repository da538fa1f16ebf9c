"""Accounts, for admins: who there is, and what they may do."""
