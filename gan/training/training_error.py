"""What both engines raise."""


class TrainingError(RuntimeError):
    """Training that cannot go on; the message says why and what to do."""
