"""What both engines raise."""


class TrainingError(RuntimeError):
    """Training that cannot go on; the message says why and what to do."""


class DivergenceError(TrainingError):
    """A loss, gradient, weight or image that is not finite; the message says which."""


class CollapseError(TrainingError):
    """One network wins for good, or all images become one; the message says which."""
