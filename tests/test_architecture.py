"""Who may import whom, and what importing the layers costs."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PACKAGES = ("ham_tf", "gan", "preprocessing", "checkpoints", "benchmarks", "examples")
ENTRY_POINTS = {
    "gan.train",
    "gan.evaluate",
    "gan.generate",
    "gan.invert",
    "gan.report",
    "checkpoints.convert",
    "checkpoints.inspect",
    "preprocessing.imagenet",
    "preprocessing.resize",
    "preprocessing.verify",
}

# Module prefix -> prefixes of ours that it may import. The longest prefix that fits counts.
ALLOWED = {
    "ham_tf": {"ham_tf"},
    "ham_tf.decompositions": {"ham_tf.decompositions"},
    "ham_tf.layers": {"ham_tf.decompositions", "ham_tf.layers"},
    "ham_tf.requirements": set(),
    "gan": set(),
    "gan.layers": {"gan.layers", "ham_tf"},
    "gan.generator": {"gan.layers", "gan.resolutions", "ham_tf"},
    "gan.discriminator": {"gan.layers", "gan.resolutions", "ham_tf"},
    "gan.networks": {"gan.config", "gan.generator", "gan.discriminator"},
    "gan.config": {
        "gan.config",
        "gan.resolutions",
        "preprocessing.choices",
        "preprocessing.class_names",
    },
    "gan.presets": {"gan.config"},
    "gan.command": {"gan.quiet_tensorflow", "gan.standard_streams"},
    "gan.quiet_tensorflow": set(),
    "gan.command_line": {"gan.command", "gan.config", "gan.presets"},
    "gan.standard_streams": set(),
    "gan.run_folder": {"gan.config", "gan.atomic_file"},
    "gan.report": {"gan.atomic_file", "gan.command", "gan.report_page", "gan.run_folder"},
    "gan.report_page": {
        "gan.config",
        "gan.evaluation.figure_text",
        "gan.image_files.grid",
        "gan.presets",
        "gan.report_page",
        "gan.run_folder",
    },
    "gan.evaluation.figure_text": set(),
    "gan.sampling": {"gan.sampling", "preprocessing.class_names"},
    "gan.image_files": {
        "gan.atomic_file",
        "gan.image_files",
        "gan.sampling.image_plan",
        "preprocessing.class_names",
    },
    "gan.generate_flags": {
        "checkpoints.model_flag",
        "gan.command",
        "gan.command_line",
        "gan.image_files.output_path",
        "gan.sampling",
    },
    "gan.inversion": {
        "gan.config",
        "gan.image_files.grid",
        "gan.inversion",
        "gan.sampling.latents",
    },
    "gan.metrics": {"gan.metrics"},
    "gan.metrics.judge": {"gan.atomic_file"},
    "gan.input_pipeline": {"gan.config", "preprocessing"},
    "gan.real_images": {"gan.config", "gan.input_pipeline", "gan.run_folder", "preprocessing"},
    "gan.training": {
        "checkpoints.checkpoint_files",
        "checkpoints.loading",
        "checkpoints.tensor_names",
        "gan.atomic_file",
        "gan.config",
        "gan.evaluation.eager_thread",
        "gan.input_pipeline",
        "gan.layers",
        "gan.networks",
        "gan.run_folder",
        "gan.standard_streams",
        "gan.training",
        "preprocessing",
    },
    "gan.training.augmentation": {"gan.config", "ham_tf.decompositions"},
    "gan.training.cluster": set(),
    "gan.training.losses": set(),
    "gan.training.monitor": {
        "gan.atomic_file",
        "gan.config",
        "gan.image_files.grid",
        "gan.run_folder",
    },
    "gan.training.strategy": {"gan.config", "gan.training.cluster"},
    "gan.evaluation": {
        "gan.atomic_file",
        "gan.config",
        "gan.evaluation",
        "gan.input_pipeline",
        "gan.metrics",
        "gan.real_images",
        "gan.run_folder",
        "preprocessing",
    },
    "gan.job": {
        "checkpoints.checkpoint_files",
        "checkpoints.loading",
        "gan.config",
        "gan.evaluation",
        "gan.job_description",
        "gan.metrics",
        "gan.networks",
        "gan.real_images",
        "gan.run_evaluation",
        "gan.run_folder",
        "gan.training",
        "preprocessing",
    },
    "gan.run_evaluation": {
        "checkpoints.checkpoint_files",
        "checkpoints.loading",
        "gan.config",
        "gan.evaluation",
        "gan.metrics",
        "gan.run_folder",
        "gan.training.best_checkpoint",
        "preprocessing",
    },
    "gan.job_description": {"gan.config", "gan.presets"},
    "gan.training.final_report": {
        "gan.command",
        "gan.config",
        "gan.evaluation",
        "gan.run_folder",
    },
    "gan.train": {"gan", "checkpoints"},
    "gan.evaluate": {"gan", "checkpoints", "preprocessing"},
    "gan.generate": {"gan", "checkpoints", "preprocessing"},
    "gan.invert": {"gan", "checkpoints", "preprocessing"},
    "preprocessing": {"preprocessing"},
    "preprocessing.choices": set(),
    "preprocessing.storage": {"preprocessing.data_error"},
    "preprocessing.sources": {"preprocessing"},
    "preprocessing.ilsvrc": {
        "preprocessing.class_names",
        "preprocessing.data_error",
        "preprocessing.data_file",
        "preprocessing.ilsvrc",
        "preprocessing.records",
        "preprocessing.storage",
    },
    "preprocessing.records": {
        "preprocessing.data_error",
        "preprocessing.data_file",
        "preprocessing.error_text",
        "preprocessing.records",
        "preprocessing.storage",
    },
    "preprocessing.records.worker_imports": {"gan.quiet_tensorflow"},
    "preprocessing.conversion_command": {
        "gan.command",
        "preprocessing.choices",
        "preprocessing.data_error",
        "preprocessing.records",
    },
    "preprocessing.imagenet": {"gan.command", "preprocessing"},
    "preprocessing.resize": {"gan.command", "preprocessing"},
    "preprocessing.verify": {"gan.command", "preprocessing"},
    "benchmarks": {"ham_tf"},
    "benchmarks.digits_variants": {"checkpoints", "gan"},
    "benchmarks.full_size_step": {"gan", "benchmarks.documented_tables"},
    "benchmarks.ham": {
        "benchmarks.documented_tables",
        "benchmarks.ham_contenders",
        "benchmarks.interleaved",
        "benchmarks.resident_memory",
    },
    "benchmarks.ham_contenders": {"benchmarks.naive_hams", "ham_tf"},
    "benchmarks.hamgan": {
        "benchmarks.documented_tables",
        "benchmarks.hamgan_contenders",
        "benchmarks.interleaved",
    },
    "benchmarks.hamgan_contenders": {"benchmarks.naive_networks", "gan"},
    "benchmarks.imagenet_conversion": {"benchmarks.synthetic_photos", "preprocessing"},
    "benchmarks.input_pipeline": {"benchmarks.synthetic_photos", "preprocessing"},
    "benchmarks.naive_networks": {"benchmarks.naive_hams", "gan"},
    "benchmarks.resident_memory": {"benchmarks.ham_contenders", "benchmarks.interleaved"},
    "benchmarks.short_training": {"benchmarks.documented_tables", "ham_tf"},
    "benchmarks.start_up": {"benchmarks.documented_tables"},
    "benchmarks.survival": {"checkpoints", "gan"},
    "examples": {"ham_tf"},
    "examples.two_workers": set(),
    "checkpoints": {"checkpoints"},
    "checkpoints.catalogue": set(),
    "checkpoints.checkpoint_files": {"gan.atomic_file"},
    "checkpoints.model_flag": {"checkpoints.catalogue", "gan.command"},
    "checkpoints.tensor_names": set(),
    "checkpoints.released_config": {"checkpoints", "gan.config"},
    "checkpoints.weights_folder": {"checkpoints", "gan.atomic_file", "gan.config"},
    "checkpoints.opening": {"checkpoints", "gan.config", "gan.presets", "gan.run_folder"},
    "checkpoints.loading": {"checkpoints", "gan.config", "gan.networks"},
    "checkpoints.conversion": {"checkpoints", "gan.networks"},
    "checkpoints.inspection": {"checkpoints", "gan.networks"},
    "checkpoints.convert": {"checkpoints", "gan.command", "gan.command_line"},
    "checkpoints.inspect": {"checkpoints", "gan.command"},
}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path):
    """Names imported anywhere in a file, `from a import b` as both `a` and `a.b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module, f"{node.module}.{alias.name}"


def begins_with(name, prefix):
    return name == prefix or name.startswith(prefix + ".")


FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MODULES = {module_name(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_import_table(path):
    module = module_name(path)
    rule = max((prefix for prefix in ALLOWED if begins_with(module, prefix)), key=len)
    for source, full in imports(path):
        imported = full if full in MODULES else source
        if imported.split(".")[0] not in PACKAGES:
            continue
        allowed = any(begins_with(imported, prefix) for prefix in ALLOWED[rule])
        assert allowed, f"{module} may not import {imported}"
        assert imported not in ENTRY_POINTS, f"{module} imports the entry point {imported}"


def test_only_the_engine_imports_tf_gan():
    users = {
        module_name(path)
        for path in FILES
        if any(begins_with(source, "tensorflow_gan") for source, _ in imports(path))
    }
    assert users == {"gan.training.estimator_engine"}


def test_no_import_cycles():
    graph = {
        module_name(path): {
            full if full in MODULES else source
            for source, full in imports(path)
            if full in MODULES or source in MODULES
        }
        - {module_name(path)}
        for path in FILES
    }
    visited, active = set(), []

    def visit(module):
        assert module not in active, " -> ".join([*active, module])
        if module in visited:
            return
        active.append(module)
        for imported in graph[module]:
            visit(imported)
        active.pop()
        visited.add(module)

    for module in graph:
        visit(module)


def test_layers_need_tensorflow_alone_and_flags_not_even_that():
    """One process for both: TensorFlow takes long to import."""
    program = """
import sys
import gan.command_line, gan.generate_flags, gan.presets, gan.run_folder
import preprocessing.imagenet, preprocessing.resize, preprocessing.verify
heavy = {"tensorflow", "sklearn", "PIL"} & set(sys.modules)
assert not heavy, f"the command line imports {heavy}"
import tensorflow as tf
tf.keras.layers.Layer  # loads Keras, which imports what it likes
before = set(sys.modules)
import ham_tf
added = {name.split(".")[0] for name in set(sys.modules) - before}
assert added == {"ham_tf"}, f"ham_tf imports {added}"
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
