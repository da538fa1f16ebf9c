"""The report of a month: what was found, what follows from it, and the page that shows both."""
