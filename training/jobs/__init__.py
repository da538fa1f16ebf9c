"""The verbs of a training: each a function from a :class:`Workplace` to a plain result, safe to run again.

encoders ─► features ─► fit ─► judge ─► promote      (rollback; first and train chain several)
"""
