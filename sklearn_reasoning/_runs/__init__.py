"""What makes long runs survive: atomic files, checkpoints, identities, tasks, progress."""
