"""python -m gan.report: one page of curves and sample grids from a run folder."""

import os

from gan.atomic_file import obstacle, write_atomically
from gan.command import Parser, execute
from gan.run_folder import RunFolder

_ENDINGS = (".html", ".png")


def main():
    parser = Parser(
        prog="python -m gan.report",
        usage="python -m gan.report RUN [--out=PAGE.html|PAGE.png]",
        description="Makes one page from a run folder, of a run that is finished or still going "
        "on: its state, the curves of training and evaluation, sample grids, and the "
        "configuration. Needs no TensorFlow.",
    )
    parser.add_argument("run", metavar="RUN", help="run folder")
    parser.add_argument(
        "--out",
        help="the page: one .html file that needs no other, or a .png (default: RUN/report.html)",
    )
    arguments = parser.parse_args()
    out = arguments.out or os.path.join(arguments.run, "report.html")
    ending = os.path.splitext(out)[1].lower()
    named = parser.named("out", out)
    if ending not in _ENDINGS:
        parser.error(f"{named}: expected a name that ends in {' or '.join(_ENDINGS)}.")
    if os.path.isdir(out):
        parser.error(f"{named}: this is a folder. Expected a file to write.")
    run = RunFolder(arguments.run)
    run.read_config()  # Before any folder is looked at for writing.
    if reason := obstacle(out):
        parser.error(f"{named}: {reason}. Give another place by --out.")

    # Matplotlib takes a second to import: only once the arguments are known to be good.
    from gan.report_page.content import gather
    from gan.report_page.page import html_page
    from gan.report_page.picture import png_page

    content = gather(run)
    write_atomically(out, html_page(content) if ending == ".html" else png_page(content))
    print(out)


if __name__ == "__main__":
    execute(main)
