"""What a path asks for."""

import pytest

from gan.image_files.output_path import OutputError, check_output, output_kind


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("x.png", "grid"),
        ("x.PNG", "grid"),
        ("x.tar.npz", "archive"),
        ("a.b/x.Gif", "animation"),
        ("x", "folder"),
        ("a.txt/x", "folder"),
        (".images", "folder"),
        ("x.png/", "folder"),
        ("x.tar.gz/", "folder"),
        ("rate_0.5", "folder"),
        ("rate_0.5e-3", "folder"),
        ("2024.01.02", "folder"),
    ],
)
def test_kinds(path, kind):
    assert output_kind(path) == kind


@pytest.mark.parametrize(
    "name", ["x.txt", "x.jpeg", "x.JPG", "x.npy", "x.tar.gz", "a/x.webp", "v.2b"]
)
def test_other_endings(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError) as raised:
        check_output(name)
    ending = name[name.rindex(".") :].lower()
    assert str(raised.value).startswith(f"--out={name}: no {ending} can be written. Expected ")
    for listed in (".png", ".npz", ".gif", "folder"):
        assert listed in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_may_be_called_anything(tmp_path):
    folder = tmp_path / "x.txt"
    folder.mkdir()
    check_output(str(folder))
    (folder / "mine").write_text("")
    with pytest.raises(OutputError, match="the folder is not empty"):
        check_output(str(folder))
    with pytest.raises(OutputError, match="mine: this is a file, and of no kind known here"):
        check_output(str(folder / "mine"))
