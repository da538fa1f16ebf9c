"""The interactive documentation, without any other host."""
