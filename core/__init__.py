"""What every other room stands on: domain rules, errors, settings, database, training store, package registry."""
