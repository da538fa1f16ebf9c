"""Where rejected products go: a folder in Google Drive, or one on this machine where no Drive is configured.

``python -m preprocessing.archive run | fetch``; what a parcel holds is told in ``parcel``, the order of the steps in
``delivery``.
"""
