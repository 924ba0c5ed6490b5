"""What was accepted but should be known, counted while a source is scanned."""

import threading


class Notes:
    """Sightings, counted by place and kind; several threads may add."""

    def __init__(self):
        self._lock = threading.Lock()
        self._seen = {}  # place, what -> [count, first example]

    def add(self, place: str, what: str, example: str = ""):
        """Adds one sighting.

        Args:
            place: archive or folder, or empty.
            what: what was seen, one word that is counted first.
            example: the name it was seen at, or empty.
        """
        with self._lock:
            self._seen.setdefault((place, what), [0, example])[0] += 1

    def say(self, sentence: str):
        """Adds a whole sentence."""
        with self._lock:
            self._seen.setdefault(("", sentence), [0, ""])

    def lines(self) -> list[str]:
        """One line per kind and place, in the order of first sighting."""
        return [
            f"{place}: {count:,} {what}, as {example}." if count else what
            for (place, what), (count, example) in self._seen.items()
        ]
