"""The rules of the domain as pure functions over plain values; standard library only."""
