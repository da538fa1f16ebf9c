"""The models page: champion and challengers, the gate's reasons, a person's decision, the ledger."""
