import callbacks  # noqa: F401 - before Catalyst is imported by whatever follows: it starts sooner
