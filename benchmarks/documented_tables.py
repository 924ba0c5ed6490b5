"""Tables in the documentation, put there by the command that measured them."""

import os
import re


def replace_tables(path, name, text):
    """Replaces what stands between `<!-- NAME -->` and `<!-- end -->` in a Markdown file.

    Args:
        path: the file.
        name: of the block.
        text: what is to stand there.

    Raises:
        ValueError: if the file has not one such block.
    """
    with open(path, encoding="utf-8") as file:
        before = file.read()
    block = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if len(block.findall(before)) != 1:
        raise ValueError(
            f"{path} must have one block from '<!-- {name} -->' to '<!-- end -->', "
            f"not {len(block.findall(before))}"
        )
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(block.sub(lambda found: found[1] + text.strip("\n") + "\n" + found[2], before))
    os.replace(f"{path}.new", path)


def markdown_table(header, body):
    """Lines of a Markdown table; rows shorter than the header end with empty cells."""
    lines = ["| " + " | ".join(map(str, header)) + " |", "|" + "---|" * len(header)]
    for cells in body:
        cells = [*cells, *[""] * (len(header) - len(cells))]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def stack():
    """Which of the two supported stacks runs: "tfgan" or "current"."""
    import tensorflow as tf

    return "tfgan" if tf.__version__.startswith("2.15.") else "current"


def machine():
    """One line on what the figures were taken on: TensorFlow, cores and processor."""
    import tensorflow as tf

    model = "processor unknown"
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if "model name" in line]
            instructions = file.seek(0) or file.read()
        model = names[0] if names else model
        model += " with AVX-512" if "avx512f" in instructions else ""
    return f"TensorFlow {tf.__version__}, {os.cpu_count()} cores, {model}"
