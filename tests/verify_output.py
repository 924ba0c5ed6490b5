"""What python -m preprocessing.verify printed."""


def problems(lines, kind):
    """The lines about one kind of problem."""
    return [line[len(kind) + 2 :] for line in lines if line.startswith(kind + ": ")]


def expect(result, kind, *texts):
    """The report has these problems of this kind, and no others."""
    status, lines = result
    assert status == 1
    assert problems(lines, kind) == list(texts), "\n".join(lines)
    expected = f"{len(texts)} problem{'s' * (len(texts) > 1)}."
    assert lines[-1] == expected, "\n".join(lines)
