"""Is the process alive, started, ready?"""
