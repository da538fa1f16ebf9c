"""How an alert travels: by e-mail, or to a chat's webhook. ``alerts.py`` is what DAGs use."""
