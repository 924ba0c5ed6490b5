"""What a job found in its data when it began; no settings, so there are no flags for them."""

import dataclasses
from typing import Any, Optional


@dataclasses.dataclass(frozen=True)
class FoundData:
    """What the labels and the figures of a run depend on, and the data alone can tell.

    Attributes:
        class_names: the data's own names for its classes, class `i` at place `i`; None
            before training began, and where the data has none. Empty in what earlier
            versions wrote, which stored no names.
        held_out_of: the split of which `train_split` and `test_split` are parts because the
            data had none to evaluate against; None where it had.
    """

    class_names: Optional[tuple[str, ...]] = None
    held_out_of: Optional[str] = None

    @classmethod
    def from_json(cls, content: Optional[dict[str, Any]], num_classes: int) -> "FoundData":
        """Reads this part of a stored configuration; None for one of an earlier version.

        Raises:
            ValueError, TypeError: if it is not as it was written.
        """
        if content is None:
            return cls(class_names=())
        found = cls(**content)
        names = found.class_names
        if names is None:
            return found
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("class_names is no list of names")
        if names and not len(names) == len(set(names)) == num_classes:
            raise ValueError(
                f"class_names has {len(set(names))} different names, num_classes is {num_classes}"
            )
        return dataclasses.replace(found, class_names=tuple(names))
