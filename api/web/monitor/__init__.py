"""The monitor: is the loop healthy, and what needs a person?"""
