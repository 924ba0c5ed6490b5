"""The error of everything here."""


class DataError(ValueError):
    """Data that cannot be used; the message names it and says what to do."""
