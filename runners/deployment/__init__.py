"""What a finished run's networks are used for: other images, and other programs; nothing here is part of a run."""
