"""Backup and restore of everything that cannot be computed again: labels, photos, the training store, released models.

    backup.json            written last: what the backup holds, each file with its sha256 and size
    database/              one file a table, a row a line, as JSON: fits SQLite, MySQL and MariaDB alike
    store/images/          photos that a prediction or a training row names
    store/training/        manifests and segments
    store/packages/        released models and their encoders

The database is read first, as of one moment; the store is copied up to the newest manifest which that moment knew.
Everything in it was published before, so whatever happens meanwhile, the two fit together. A batch that was on its
way is resumed by the first append after the restore.
"""
