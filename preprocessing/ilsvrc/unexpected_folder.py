"""What is said where a split seems to be there, but not as the challenge has it."""

from collections.abc import Container, Iterable

from preprocessing.data_error import DataError
from preprocessing.ilsvrc import challenge
from preprocessing.storage import broken_link, is_folder, names_in

# By these names, in capitals or not, people mean a split.
_MEANT = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test",),
}
_EXPECTED = {
    "train": "class folders like n01440764 or archives like n01440764.tar in it, of images like "
    f"{challenge.EXAMPLES['train']}, or such images themselves",
    "validation": f"images like {challenge.EXAMPLES['validation']} in it, flat or in class folders "
    "like n01440764",
    "test": f"images like {challenge.EXAMPLES['test']} in it",
}
_MOST_NAMED = 3
_HINTS = {  # by the ends of names
    (".parquet", ".arrow"): "images in tables, as Hugging Face has them, are not read",
    (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip"): "compressed archives are not read",
}


def refuse_unexpected(folders: Iterable[str], found: Container[str]):
    """Checks that no split is there that was not found, as in class folders of other names.

    Args:
        folders: where splits were looked for.
        found: the splits that were found.

    Raises:
        DataError: if there is one, which says what is in it; an empty folder test is none.
    """
    meant = {name: split for split, names in _MEANT.items() if split not in found for name in names}
    for folder in folders:
        for name in names_in(folder):
            if name.lower() in meant:
                _refuse(f"{folder}/{name}", name, meant[name.lower()])


def hint(names: Iterable[str]) -> str:
    """What to know of files that are not read, in brackets behind their names; or nothing."""
    names = list(names)
    said = [text for ends, text in _HINTS.items() if any(n.lower().endswith(ends) for n in names)]
    return f" ({'; '.join(said)})" if said else ""


def _refuse(path, name, split):
    target = broken_link(path)
    if target:
        found = f"is a link to {target}, where there is nothing"
    elif not is_folder(path):
        found = "is a file"
    else:
        names = names_in(path)
        if not names and split == "test":
            return
        found = _contents(path, names, split) if names else "is empty"
    usual = challenge.FOLDERS[split]
    named = "" if name in usual else f" named {usual[0]}"
    raise DataError(
        f"{path} {found}. Expected a folder{named} of the {split} split with "
        f"{_EXPECTED[split]}. Put it right, or move it away to go without."
    )


def _contents(path, names, split):
    some = [f"{name}/" if _is_folder(path, name) else name for name in names[:_MOST_NAMED]]
    text = f"holds {', '.join(some)}"
    if len(names) > len(some):
        text += f" and {len(names) - len(some):,} more"
    return f"{text}{hint(names)}{_class_told(path, some, split)}"


def _class_told(path, some, split):
    """Which class the first folder of images is of, if their names tell that."""
    for folder in some:
        images = names_in(f"{path}/{folder[:-1]}") if folder.endswith("/") else ()
        for image in images[:_MOST_NAMED]:
            label = challenge.official_label(split, image)
            if label is not None and label != challenge.NO_LABEL:
                wordnet_id = challenge.wordnet_ids()[label]
                if folder[:-1] != wordnet_id:
                    return f" (with {image} in it {folder[:-1]} should be named {wordnet_id})"
    return ""


def _is_folder(path, name):
    return is_folder(f"{path}/{name}")
