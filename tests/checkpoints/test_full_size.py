"""A random checkpoint of the released size: converted, loaded and sampled in bounded memory."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]

# In a process of its own, whose memory is its alone; the limit is the issue's, not TensorFlow's.
PROGRAM = """
import pathlib, sys
sys.path[:0] = ["tests", "."]
folder = pathlib.Path(sys.argv[1])
import numpy as np
import checkpoints
from checkpoints.conversion import convert
from gan.command import execute
import gan.generate

def draw(name, *flags):
    sys.argv = ["generate", *flags, "--seeds=0-1", f"--out={folder / name}"]
    execute(gan.generate.main)
    return (folder / name).read_bytes()

convert(str(folder / "source"), str(folder / "converted"))
models = checkpoints.load(str(folder / "converted"))
source = checkpoints.load(str(folder / "source"), discriminator=False)
assert (models.config.model, models.step) == (source.config.model, 900_000)
images = models.generator([np.zeros([2, 128], np.float32), np.array([0, 999])], training=False)
assert images.shape == (2, 128, 128, 3)
assert np.isfinite(images).all() and np.std(images) > 0.01
del models, source, images
model = f"--model={folder / 'converted'}"
goldfish = draw("a.png", model, "--class=goldfish")
assert draw("b.png", model, "--class=n01443537") == goldfish
assert draw("c.png", model, "--class=1") == goldfish
assert draw("d.png", f"--model={folder / 'source'}", "--class=1") == goldfish
assert draw("e.png", model, "--class=2") != goldfish
# Not `ru_maxrss`, in which the memory of the process that started this one counts.
status = open("/proc/self/status").read()
print("peak", int(status.split("VmHWM:")[1].split()[0]) // 1024, "MB")
"""

WRITE = """
import pathlib, sys
sys.path[:0] = ["tests", "."]
from conftest import write_checkpoint
from released_checkpoint import manifest_shapes, random_variables
# With slots it is the size of the authors' files; they are never read.
variables = random_variables(manifest_shapes(), step=900_000)
write_checkpoint(sys.argv[1] + "/source/model.ckpt-900000", variables)
"""


def run(program, folder):
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_full_size(tmp_path):
    run(WRITE, tmp_path)
    out = run(PROGRAM, tmp_path)
    assert "peak" in out
    assert int(out.split("peak ")[1].split()[0]) < 4096
