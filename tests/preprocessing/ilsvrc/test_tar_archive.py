"""Walking over tar archives: as Python's own reader sees them, and stricter."""

import bz2
import gzip
import io
import lzma
import tarfile

import pytest
from miniature_imagenet import make_tar

from preprocessing.data_error import DataError
from preprocessing.data_file import DataFile
from preprocessing.ilsvrc.archive import members

LONG_NAME = "folder/" * 20 + "n01440764_1.JPEG"
CONTENTS = {"n01440764_1.JPEG": b"a" * 700, "folder/": b"", "n01440764_2.JPEG": b"b" * 512}
WHOLE = make_tar(CONTENTS)
DATA_END = 2 * 512 + 1024 + 512 + 512  # of the second image


def walk(path, start=0, end=None):
    with DataFile(str(path)) as file:
        return list(members(file, start, file.size if end is None else end, "some.tar"))


@pytest.mark.parametrize("archive_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, "pax"])
@pytest.mark.parametrize("long_name", [LONG_NAME, "ü" * 40 + ".JPEG", "n01440764_3.JPEG"])
def test_members_are_those_of_tarfile(tmp_path, archive_format, long_name):
    options = {"format": archive_format}
    if archive_format == "pax":
        options = {"format": tarfile.PAX_FORMAT, "pax_headers": {"comment": "of everything"}}
    path = tmp_path / "a.tar"
    path.write_bytes(make_tar({**CONTENTS, long_name: b"c" * 3, "last": b""}, **options))
    with tarfile.open(path) as archive:
        expected = [(m.name, m.isdir(), m.offset_data, m.size) for m in archive.getmembers()]
    found = [(m.path.rstrip("/"), *m[1:]) for m in walk(path)]
    assert found == expected


def test_size_in_a_pax_header_and_in_binary(tmp_path):
    """As archives have it for members of 8 GiB and more."""
    info = tarfile.TarInfo("n01440764.tar")
    info.size = 8 << 30
    for archive_format in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        header = info.tobuf(format=archive_format)
        path = tmp_path / "a.tar"
        with open(path, "wb") as file:
            file.write(header)
            file.truncate(len(header) + info.size + 1024)  # Takes no room on disk.
        assert walk(path) == [("n01440764.tar", False, len(header), info.size)]


def test_part_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 100 + WHOLE + b"y" * 100)
    inner = walk(tmp_path / "a", 100, 100 + len(WHOLE))
    (tmp_path / "b").write_bytes(WHOLE)
    assert [member._replace(offset=member.offset - 100) for member in inner] == walk(tmp_path / "b")


@pytest.mark.parametrize("zeros", [1, 2, 20])
def test_archive_may_end_with_any_number_of_zero_blocks(tmp_path, zeros):
    (tmp_path / "a").write_bytes(WHOLE[:DATA_END] + bytes(512 * zeros))
    assert len(walk(tmp_path / "a")) == 3


def damaged(position, content):
    return WHOLE[:position] + content + WHOLE[position + len(content) :]


def with_type(kind, content, name="extension"):
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content)
    return info.tobuf(tarfile.USTAR_FORMAT) + content.ljust(512, b"\0")


BAD = {
    "empty": (b"", "is empty (0 bytes)"),
    "cut in data": (WHOLE[:900], "cut off: n01440764_1.JPEG ends after the archive's 900 bytes"),
    "cut after a header": (WHOLE[:512], "cut off: n01440764_1.JPEG ends after"),
    "cut in a header": (WHOLE[: DATA_END - 900], "cut off: it ends inside a header"),
    "cut between members": (WHOLE[:1536], "cut off: it ends without the zeros that end an archive"),
    "cut before the end": (WHOLE[:DATA_END], "cut off: it ends without the zeros that end an"),
    "damaged header": (damaged(1540, b"?"), "is damaged: no header at byte 1,536"),
    "joined": (WHOLE + WHOLE, "data after the end of the archive"),
    "followed": (WHOLE[:-1] + b"x", "data after the end of the archive"),
    "unfinished": (WHOLE + bytes(2 << 20), "bytes of zeros at its end, as after an unfinished"),
    "zeros": (bytes(10240), "begins with zeros"),
    "gzip": (gzip.compress(WHOLE), "is compressed (gzip). Unpack it first: `gzip -dc COMPRESSED"),
    "bzip2": (bz2.compress(WHOLE), "is compressed (bzip2). Unpack it first: `bzip2 -dc"),
    "xz": (lzma.compress(WHOLE), "is compressed (xz). Unpack it first: `xz -dc"),
    "web page": (b"<!DOCTYPE html><html>" * 99, "is a web page, no tar archive"),
    "text": (b"hello " * 999, "is no tar archive"),
    "pax": (with_type(b"x", b"99999 path") + WHOLE, "is damaged: a malformed header"),
    "endless pax": (with_type(b"x", b"0 path=x\n") + WHOLE, "is damaged: a malformed header"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_archives(tmp_path, case):
    content, message = BAD[case]
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DataError) as error:
        walk(tmp_path / "a")
    assert message in str(error.value)
    assert str(error.value).startswith("some.tar")
    assert "\n" not in str(error.value)


def pax(**keys):
    """An archive whose second member has these keys in its extended header."""
    keys = {key.replace("__", "."): value for key, value in keys.items()}
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, headers in (("n01440764_1.JPEG", {}), ("n01440764_2.JPEG", keys)):
            info = tarfile.TarInfo(name)
            info.size, info.pax_headers = 700, headers
            archive.addfile(info, io.BytesIO(b"a" * 700))
    return file.getvalue()


LINKS = "Pack the archive again with `tar --dereference --hard-dereference`."
SPARSE = (
    "n01440764_2.JPEG is a sparse file, stored without its holes. Pack the archive again without"
)
VOLUMES = "is part of a file that begins in another volume of the archive. Unpack all volumes"
REFUSED = {
    "hard link": (with_type(b"1", b"", "a"), f"a is a hard link. {LINKS}"),
    "symbolic link": (with_type(b"2", b"", "a"), f"a is a symbolic link. {LINKS}"),
    "device": (
        with_type(b"3", b"", "a"),
        "a is a character device. Pack the archive again without",
    ),
    "block device": (with_type(b"4", b"", "a"), "a is a block device."),
    "pipe": (with_type(b"6", b"", "a"), "a is a named pipe."),
    "other volume": (with_type(b"M", b"x", "a"), f"a {VOLUMES}"),
    "other volume, pax": (pax(GNU__volume__filename="a", GNU__volume__offset="512"), VOLUMES),
    "other volume, cut": (with_type(b"M", b"x", "a")[:512], f"a {VOLUMES}"),
    "unknown kind": (
        with_type(b"Q", b"", "a"),
        "a is of the kind 'Q', which is neither a file nor",
    ),
    "sparse": (with_type(b"S", b"x", "n01440764_2.JPEG"), SPARSE),
    "sparse 0.0": (
        pax(GNU__sparse__size="900", GNU__sparse__numblocks="1", GNU__sparse__offset="200"),
        SPARSE,
    ),
    "sparse 0.1": (
        pax(
            GNU__sparse__size="900",
            GNU__sparse__numblocks="1",
            GNU__sparse__name="n01440764_2.JPEG",
            GNU__sparse__map="0,700",
            path="./GNUSparseFile.1/n01440764_2.JPEG",
        ),
        SPARSE,
    ),
    "sparse 1.0": (
        pax(
            GNU__sparse__major="1",
            GNU__sparse__minor="0",
            path="GNUSparseFile.0/n01440764_2.JPEG",
            GNU__sparse__name="n01440764_2.JPEG",
            GNU__sparse__realsize="900",
        ),
        SPARSE,
    ),
    "sparse by star": (pax(SCHILY__realsize="900"), SPARSE),
    "sparse by Solaris": (pax(SUN__holesdata=" 0 200"), SPARSE),
}


@pytest.mark.parametrize("case", REFUSED)
def test_members_that_are_no_whole_files_are_named_for_what_they_are(tmp_path, case):
    content, message = REFUSED[case]
    (tmp_path / "a").write_bytes(content + bytes(1024))
    with pytest.raises(DataError) as error:
        walk(tmp_path / "a")
    assert str(error.value).startswith("some.tar: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_what_says_nothing_about_data_is_passed_over(tmp_path):
    """A volume's label, keys of owners and times, keys of all members."""
    options = {"format": tarfile.PAX_FORMAT, "pax_headers": {"GNU.volume.label": "of GNU tar"}}
    content = with_type(b"V", b"", "label")[:512] + pax(LIBARCHIVE__creationtime="1.5", mtime="1.5")
    (tmp_path / "a").write_bytes(content)
    (tmp_path / "b").write_bytes(make_tar(CONTENTS, **options))
    assert [member.path for member in walk(tmp_path / "a")] == list(CONTENTS)[::2]
    assert [member.path for member in walk(tmp_path / "b")] == list(CONTENTS)


def test_folders_of_an_incremental_archive(tmp_path):
    """They have a list of what is in them for content."""
    content = with_type(b"D", b"Yn01440764_1.JPEG\0\0", "folder") + WHOLE
    (tmp_path / "a").write_bytes(content)
    assert [(m.path.rstrip("/"), m.is_folder) for m in walk(tmp_path / "a")] == [
        ("folder", True),
        ("n01440764_1.JPEG", False),
        ("folder", True),
        ("n01440764_2.JPEG", False),
    ]


def test_what_describes_a_member_has_its_own_size(tmp_path):
    """Not the one in a pax header before it, which is the member's."""
    described = with_type(b"x", b"12 size=700\n") + with_type(b"L", b"long\0")
    (tmp_path / "a").write_bytes(described + WHOLE)
    assert walk(tmp_path / "a")[0][:2] == ("long", False)
    assert walk(tmp_path / "a")[0].size == 700


def test_bad_size(tmp_path):
    header = bytearray(tarfile.TarInfo("a").tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = b"not a number"
    header[148:156] = b"%06o\0 " % (sum(header) - sum(header[148:156]) + 256)
    (tmp_path / "a").write_bytes(header + bytes(1024))
    with pytest.raises(DataError, match="some.tar is damaged: a size is b'not a number'"):
        walk(tmp_path / "a")


def test_every_cut_is_seen(tmp_path):
    path = tmp_path / "a"
    for length in range(0, DATA_END + 512, 128):
        path.write_bytes(WHOLE[:length])
        with pytest.raises(DataError, match="is cut off|is empty|is no tar archive"):
            walk(path)
