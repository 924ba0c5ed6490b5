"""The members of a tar archive, without reading their data.

Python's `tarfile` takes an archive that was cut between two members for a whole one, and
builds an object of forty fields per member.
"""

from collections.abc import Iterator
from typing import NamedTuple

from preprocessing.data_error import DataError
from preprocessing.data_file import DataFile

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_NO_CHECKSUM = sum(b" " * 8)  # The checksum counts its own field as spaces.
# Archives are filled up with zeros to whole records, 10 KiB as a rule.
_MOST_PADDING = 1 << 20
_LONGEST_NAME = 1 << 20
# Kinds of members: files by all three formats, folders (D in incremental archives, with a list
# of what they hold); names and sizes of the next member or of all; labels, targets of links.
_FILES, _FOLDERS = (b"0", b"\0", b"7"), (b"5", b"D")
_EXTENSIONS, _EXTENSION_OF_ALL, _PASSED_OVER = (b"x", b"L", b"X"), b"g", (b"V", b"K")
_NO_MEMBERS = (*_EXTENSIONS, _EXTENSION_OF_ALL, *_PASSED_OVER)
_REPACK = "Pack the archive again with `tar --dereference --hard-dereference`"
_WITHOUT_IT = "Pack the archive again without it"
_SPARSE = (
    "a sparse file, stored without its holes",
    "Pack the archive again without `tar --sparse` (`bsdtar --no-read-sparse`), or unpack it and "
    "give the folder",
)
_OF_ANOTHER_VOLUME = (
    "part of a file that begins in another volume of the archive",
    "Unpack all volumes together by `tar --multi-volume`, and give the folder",
)
_REFUSED = {  # what it is, and what to do
    b"1": ("a hard link", _REPACK),
    b"2": ("a symbolic link", _REPACK),
    b"3": ("a character device", _WITHOUT_IT),
    b"4": ("a block device", _WITHOUT_IT),
    b"6": ("a named pipe", _WITHOUT_IT),
    b"M": _OF_ANOTHER_VOLUME,
    b"S": _SPARSE,
}
# Beginnings of the keys of extended headers by which GNU's and other tars say such things.
_REFUSED_KEYS = {
    (b"GNU.sparse.", b"SCHILY.realsize", b"SUN.holesdata"): _SPARSE,
    (b"GNU.volume.filename", b"GNU.volume.offset"): _OF_ANOTHER_VOLUME,
}
# What a file begins with, what it then is, and the command that makes a tar of it.
_COMPRESSED = (
    (b"\x1f\x8b", "gzip", "gzip -dc"),
    (b"BZh", "bzip2", "bzip2 -dc"),
    (b"\xfd7zXZ\0", "xz", "xz -dc"),
    (b"\x28\xb5\x2f\xfd", "zstd", "zstd -dc"),
    (b"PK\x03\x04", "zip", "unzip -p"),
)


class Member(NamedTuple):
    """A file or folder in an archive.

    Attributes:
        path: as it is stored.
        is_folder: whether it is a folder.
        offset: of the first byte of its data in the whole file.
        size: of its data in bytes.
    """

    path: str
    is_folder: bool
    offset: int
    size: int


def members(file: DataFile, start: int, end: int, place: str) -> Iterator[Member]:
    """Walks over a tar archive that lies in a part of a file.

    The formats are those of POSIX (ustar and pax), GNU and version 7.

    Args:
        file: holds the archive.
        start, end: first byte of the archive and the one after its last.
        place: the archive's name in messages.

    Yields:
        Its files and folders in stored order.

    Raises:
        DataError: if the archive is empty, compressed, no archive, cut off, damaged, or
            followed by other data, or if it has in it what is no whole file or folder, as links,
            devices, sparse files.
    """
    if start == end:
        raise DataError(f"{place} is empty (0 bytes). Fetch it again.")
    offset = start
    of_all, of_next = {}, {}  # what extended headers say of all members, of the next one
    while True:
        header = file.read_at(offset, min(_BLOCK, end - offset))
        if len(header) < _BLOCK or not _is_intact(header):
            if header == _ZEROS and offset > start:
                _check_padding(file, offset + _BLOCK, end, place)
                return
            raise _no_header(header, offset - start, place)
        kind = header[156:157]
        is_member = kind not in _NO_MEMBERS
        said = {**of_all, **of_next} if is_member else {}
        path = said.get("path") or _path(header)
        refusal = said.get("refusal", _refusal(kind)) if is_member else None
        if refusal:
            raise DataError(f"{place}: {path} is {refusal[0]}. {refusal[1]}.")
        size = said.get("size", _number(header[124:136], place))
        data = offset + _BLOCK
        offset = data + -(-size // _BLOCK) * _BLOCK
        if data + size > end:
            raise _cut_off(f"{path} ends after the archive's {end - start:,} bytes", place)
        if is_member:
            of_next = {}
            yield Member(path, kind in _FOLDERS or path.endswith("/"), data, size)
        elif kind in _EXTENSIONS:
            of_next.update(_extension(kind, file, data, size, place))
        elif kind == _EXTENSION_OF_ALL:
            of_all.update(_extension(kind, file, data, size, place))


def _refusal(kind):
    """What a member is that is neither file nor folder, and what to do; None if it is one."""
    if kind in _FILES or kind in _FOLDERS:
        return None
    unknown = f"of the kind {kind.decode('ascii', 'backslashreplace')!r}, which is neither a file"
    return _REFUSED.get(kind, (f"{unknown} nor a folder", _WITHOUT_IT))


def _is_intact(header):
    try:
        stored = int(header[148:156].rstrip(b"\0 "), 8)
    except ValueError:
        return False
    return stored == sum(header) - sum(header[148:156]) + _NO_CHECKSUM


def _path(header):
    path = header[:100].partition(b"\0")[0]
    if header[257:263] == b"ustar\0" and header[345]:
        path = header[345:500].partition(b"\0")[0] + b"/" + path
    return path.decode("utf-8", "backslashreplace")


def _number(field, place):
    try:
        if field[0] & 0x80:  # GNU's way to write sizes from 8 GiB on.
            return int.from_bytes(field[1:], "big")
        return int(field.strip(b"\0 ") or b"0", 8)
    except ValueError as error:
        raise DataError(f"{place} is damaged: a size is {field!r}. Fetch it again.") from error


def _extension(kind, file, offset, size, place):
    """Name and size of members, which did not fit into their own headers, and what is odd."""
    if size > _LONGEST_NAME:
        raise DataError(f"{place} is damaged: a name of {size:,} bytes. Fetch it again.")
    content = file.read_at(offset, size)
    if kind == b"L":
        return {"path": content.partition(b"\0")[0].decode("utf-8", "backslashreplace")}
    found = {}
    try:
        while content.strip(b"\0"):
            length = int(content.partition(b" ")[0])
            if not 0 < length <= len(content):
                raise ValueError(length)
            key, _, value = content[:length].partition(b" ")[2].rstrip(b"\n").partition(b"=")
            refusals = [said for keys, said in _REFUSED_KEYS.items() if key.startswith(keys)]
            if refusals:
                found["refusal"] = refusals[0]
            if key in (b"path", b"GNU.sparse.name"):
                found["path"] = value.decode("utf-8", "backslashreplace")
            elif key == b"size":
                found["size"] = int(value)
            content = content[length:]
    except ValueError as error:
        raise DataError(f"{place} is damaged: a malformed header. Fetch it again.") from error
    return found


def _check_padding(file, offset, end, place):
    padding = file.read_at(offset, min(_MOST_PADDING, end - offset))
    if padding.count(0) != len(padding):
        raise DataError(
            f"{place}: data after the end of the archive, as when archives are joined by `cat`. "
            "Pack its files again as one archive."
        )
    if end - offset > _MOST_PADDING:
        raise DataError(
            f"{place}: {end - offset:,} bytes of zeros at its end, as after an unfinished "
            "download. Fetch it again."
        )


def _no_header(header, position, place):
    if len(header) < _BLOCK and position:
        reason = "inside a header" if header else "without the zeros that end an archive"
        return _cut_off(f"it ends {reason}", place)
    if position:
        return DataError(f"{place} is damaged: no header at byte {position:,}. Fetch it again.")
    for start, name, command in _COMPRESSED:
        if header.startswith(start):
            return DataError(
                f"{place} is compressed ({name}). Unpack it first: `{command} COMPRESSED > TAR`."
            )
    if header.lstrip().startswith(b"<"):
        return DataError(
            f"{place} is a web page, no tar archive, as when a download needs a login. "
            "Fetch it again, logged in."
        )
    if not header.strip(b"\0"):
        return DataError(f"{place} begins with zeros: no file in it. Fetch it again.")
    return DataError(f"{place} is no tar archive. Fetch it again.")


def _cut_off(reason, place):
    return DataError(f"{place} is cut off: {reason}. Fetch it again.")
