"""`python -m gan.evaluate` and the protocol behind it, on any TensorFlow."""

import dataclasses
import functools
import json
import os
import pathlib
import sys

import fake_inception
import numpy as np
import pytest
import tensorflow as tf
from class_folders import write_class_folders
from conftest import write_checkpoint
from tensorflow import keras

import checkpoints
import gan.evaluate
import gan.train
from checkpoints.tensor_names import average_name
from gan.command import execute
from gan.evaluation.feature_networks import MOST_IMAGES, open_judge, shared_judge_path
from gan.evaluation.log import EvaluationLog
from gan.evaluation.protocol import Evaluation, check_real_images
from gan.evaluation.real_statistics import real_statistics
from gan.input_pipeline import evaluation_inputs
from gan.job import Job
from gan.metrics.classifier_score import classifier_score
from gan.metrics.frechet_distance import frechet_distance
from gan.metrics.inception import InceptionError
from gan.metrics.judge import Judge
from gan.metrics.kernel_distance import kernel_distance
from gan.networks import make_discriminator, make_generator, weights_by_path
from gan.presets import smoke
from gan.real_images import open_and_choose
from gan.run_folder import RunFolder
from preprocessing.class_list import ClassesChangedError
from preprocessing.data_error import DataError
from preprocessing.image_source import open_images


def write_run(path, config, averages=None):
    """A run folder with a checkpoint of random weights, which every stack can write.

    With `averages` it also holds averages of the generator's: the weights times that number.
    """
    run = RunFolder(str(path))
    run.write_config(config)
    random = np.random.RandomState(0)
    variables = {}
    for scope, make in (("Generator", make_generator), ("Discriminator", make_discriminator)):
        model = make(config.model)
        for name, weight in weights_by_path(model).items():
            value = random.rand(*weight.shape) - (0.5 if weight.trainable else 0.0)
            variables[f"{scope}/{model.name}/{name}"] = np.float32(value)
    if averages is not None:
        for name in [name for name in variables if name.startswith("Generator/")]:
            variables[average_name(name)] = variables[name] * np.float32(averages)
    write_checkpoint(os.path.join(run.checkpoint_dir, "model.ckpt-7"), variables)
    return run


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run", smoke())


@pytest.fixture(scope="module")
def source():
    return open_images("digits", 16, 1, 10)


@pytest.fixture(scope="module")
def judge(source, tmp_path_factory):
    return open_judge(smoke(), source, str(tmp_path_factory.mktemp("judge") / "judge.npz"))


@pytest.fixture
def evaluate(run_main):
    """Runs the command in this process; returns exit status, standard output and error."""

    return functools.partial(run_main, gan.evaluate.main)


def events(folder):
    """TensorBoard values by tag and step."""
    return {
        (value.tag, event.step): tf.make_ndarray(value.tensor).item()
        for path in pathlib.Path(folder, "eval").iterdir()
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
        for event in [tf.compat.v1.Event.FromString(record)]
        for value in event.summary.value
    }


def loader(run):
    def load():
        models = checkpoints.load(run.path)
        return models.generator, models.step

    return load


def assert_same_record(actual, expected, rel=1e-4):
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, float):
            # A spread is a small difference of what `rel` is about.
            error = rel * abs(expected[name.removesuffix("_spread")])
            assert actual[name] == pytest.approx(value, abs=error), name
        else:
            assert actual[name] == value, name


def test_figures_follow_the_protocol(run, source, judge, cache_dir):
    """Re-derived: 600 images against the 500 of the split, whose first 100 count twice."""
    config = smoke().replace({"eval_images": 600})
    evaluation = Evaluation(config, source, judge, cache_dir)
    record = evaluation.evaluate(loader(run), repetitions=2)
    generator = checkpoints.load(run.path).generator
    test = next(iter(source.split("test").batch(500)))["images"].numpy()
    real = judge(test)[0].numpy()
    real_twice = np.concatenate([real, real[:100]])
    expected = {name: [] for name in evaluation.names}
    for repetition in range(2):
        latents, labels = evaluation_inputs(600, config.model.z_dim, 10, repetition)
        images = generator([latents, labels], training=False)
        features, logits = (output.numpy() for output in judge(images))
        expected["frechet_distance"].append(frechet_distance(real_twice, features))
        expected["kernel_distance"].append(kernel_distance(real, features))
        expected["classifier_score"].append(classifier_score(logits))
        expected["class_accuracy"].append(np.mean(np.argmax(logits, axis=1) == labels))
    for plain, values in expected.items():
        name = evaluation.names[plain]
        assert record[name] == pytest.approx(np.mean(values), rel=1e-3), plain
        assert record[f"{name}_spread"] == pytest.approx(
            np.std(values, ddof=1), rel=0.02, abs=1e-4 * abs(np.mean(values))
        )
    assert record["step"] == 7
    assert record["images"] == 7 * config.training.batch_size
    assert (record["repetitions"], record["evaluated_images"]) == (2, 600)
    conditions = {"dataset": "digits", "resampling": "bilinear", "sha256": judge.sha256}
    assert conditions.items() <= record.items()
    assert record["judge_accuracy"] == judge.accuracy
    assert 0 < record["frechet_distance_of_real_images"] < 5
    assert 8 < record["classifier_score_of_real_images"] <= 10


def test_graphs_are_made_once(run, source, judge, cache_dir, monkeypatch):
    """The judge's for all evaluations, the generator's for all repetitions."""
    traced = []
    call = Judge.__call__
    monkeypatch.setattr(
        Judge, "__call__", lambda judge, images: traced.append("judge") or call(judge, images)
    )

    def load():
        models = checkpoints.load(run.path)

        def generator(inputs, training):
            traced.append("generator")
            return models.generator(inputs, training=training)

        return generator, models.step

    real_statistics(judge, source, "test", 100, cache_dir, "train", MOST_IMAGES)
    traced.clear()
    evaluation = Evaluation(smoke(), source, judge, cache_dir)
    for evaluations in (1, 2):
        evaluation.evaluate(load, 3)
        batch_sizes = traced.count("generator") // evaluations
        assert 1 <= batch_sizes <= 2
        assert traced.count("judge") <= 2


def test_images_trained_on(run, source, judge, cache_dir):
    """As the run counts them, or by the batch size alone."""
    evaluation = Evaluation(smoke(), source, judge, cache_dir)
    for given, recorded in ((None, 7 * smoke().training.batch_size), (900, 900), (0, 0)):
        assert evaluation.evaluate(loader(run), 1, images=given)["images"] == recorded


def test_batch_size_changes_no_figure(run, source, judge, cache_dir):
    records = [
        Evaluation(smoke().replace({"eval_batch_size": size}), source, judge, cache_dir).evaluate(
            loader(run), 1
        )
        for size in (100, 33)
    ]
    assert_same_record(*records, rel=1e-3)


def test_inside_a_tf1_graph(run, source, judge, cache_dir):
    """As in a hook of the estimator: the models of the graph are not touched."""
    evaluation = Evaluation(smoke(), source, judge, cache_dir)
    eager = evaluation.evaluate(loader(run), 1)
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        latents = tf.zeros([2, 8])
        operations = len(graph.get_operations())
        inside = evaluation.evaluate(loader(run), 1)
        assert len(graph.get_operations()) == operations
        graph.finalize()
        EvaluationLog(run.path).add(inside)
        session.run(latents)
    assert run.metrics() == [inside]
    assert events(run.path)
    keras.backend.clear_session()
    assert_same_record(inside, eager)


def test_command_records_the_figures_of_a_run(evaluate, run, cache_dir):
    run.write_progress(7, 0.0, 900)  # The batch size has changed on the way.
    status, out, error = evaluate(f"--run={run.path}", "--repetitions=2")
    assert status == 0, error
    (record,) = run.metrics()
    assert (record["seconds"], record["images"]) == (0.0, 900)
    assert "Judged by a small classifier" in out
    assert record["sha256"] in out
    assert "mean ± sample standard deviation of 2 repetitions" in out
    for name in ("frechet_distance_judge_test_100", "class_accuracy_judge_100"):
        assert name in out
        assert record[name] >= 0
        assert record[f"{name}_spread"] >= 0
    assert os.path.isfile(run.judge_path)
    name = "kernel_distance_judge_test_100"
    assert events(run.path)[f"evaluation/{name}", 7] == pytest.approx(record[name], rel=1e-6)
    # The same again, from the cache and the stored judge.
    status, out, error = evaluate(f"--model={run.path}", "--repetitions=2")
    assert status == 0, error
    assert_same_record(run.metrics()[1], record)


def test_averaged_weights_are_judged_and_named(evaluate, run, judge, tmp_path):
    averaged = write_run(tmp_path / "averaged", smoke(), averages=0.5)
    for folder in (run, averaged):
        judge.save(folder.judge_path)
        status, _, error = evaluate(f"--run={folder.path}", "--repetitions=1")
        assert status == 0, error
        assert ("Weights of the generator: their moving averages" in error) == (folder is averaged)
    # The trained weights of both runs are the same.
    (of_trained,), (of_averaged,) = run.metrics(), averaged.metrics()
    name = "frechet_distance_judge_test_100"
    assert of_trained["sha256"] == of_averaged["sha256"]
    assert of_trained[name] != pytest.approx(of_averaged[name], rel=1e-3)


def test_command_needs_no_run_folder(evaluate, run, tmp_path, monkeypatch):
    """A converted model: judged by a judge in the cache folder, recorded beside the runs."""
    from checkpoints.conversion import convert

    monkeypatch.chdir(tmp_path)
    convert(run.path, str(tmp_path / "converted"))
    before = sorted(path.name for path in (tmp_path / "converted").iterdir())
    flags = ["--model=converted", "--repetitions=1", "--num=60", "--cache_dir=cache"]
    status, out, error = evaluate(*flags)
    assert status == 0, error
    assert sorted(path.name for path in (tmp_path / "converted").iterdir()) == before
    (record,) = RunFolder("runs/evaluations/converted").metrics()
    assert record["step"] == 7
    assert record["seconds"] is None
    assert "frechet_distance_judge_test_60" in record
    assert "frechet_distance_judge_test_60_spread" not in record
    assert os.path.isfile(shared_judge_path(smoke(), "cache"))
    assert len(os.listdir("cache/real_statistics")) == 1
    status, out, error = evaluate(*flags, "--out=elsewhere")
    assert status == 0, error
    assert "Recorded in elsewhere/metrics.jsonl" in out
    assert len(RunFolder("elsewhere").metrics()) == 1


def test_authors_checkpoint(evaluate, tmp_path, monkeypatch, data_dir):
    """A TensorFlow 1 checkpoint, whose configuration is inferred and whose data is told."""
    from released_checkpoint import SMALL, random_variables, released_shapes

    monkeypatch.chdir(tmp_path)
    model = dataclasses.replace(SMALL, num_classes=3)
    write_checkpoint("authors/model.ckpt-12", random_variables(released_shapes(model)))
    flags = [f"--data_dir={data_dir}", "--num=10", "--split=test", "--ham_steps=3"]
    status, _, error = evaluate("--model=authors", "--dataset=colours", *flags)
    assert status == 0, error
    (record,) = RunFolder("runs/evaluations/authors").metrics()
    assert (record["step"], record["repetitions"]) == (12, 5)
    assert np.isfinite(record["kernel_distance_judge_test_10"])
    # Of another number of classes than the data.
    status, _, error = evaluate("--model=authors", "--dataset=digits", *flags)
    assert status == 1
    assert "Data set 'digits' has 10 classes, the model 3." in error


def test_inception_judges_larger_images(evaluate, tmp_path, data_dir, cache_dir):
    """Photographs of 64 pixels in colour, and Inception from a folder: the published names."""
    changes = dict(
        image_size=64,
        image_channels=3,
        num_classes=3,
        dataset="colours",
        eval_images=12,
        generator_ham_channels=8,
    )
    run = write_run(tmp_path / "run", smoke().replace({**changes, "data_dir": str(data_dir)}))
    fake_inception.write_callable(tmp_path / "inception")
    flags = [f"--run={run.path}", "--repetitions=2", f"--inception={tmp_path / 'inception'}"]
    status, out, error = evaluate(*flags)
    assert status == 0, error
    (record,) = run.metrics()
    assert f"Judged by Inception from {tmp_path / 'inception'}, SHA-256 {record['sha256']}" in out
    assert "fid_tfgan_bilinear299_test_12" in out
    for name in ("fid_tfgan_bilinear299_test_12", "kid_tfgan_bilinear299_test_12"):
        assert np.isfinite(record[name])
    assert record["is_tfgan_bilinear299_12"] >= 1
    assert record["classifier_score_of_real_images"] >= 1
    assert "warning" not in record
    assert not any("judge" in name for name in record)
    assert not os.path.exists(run.judge_path)
    # Small images are judged by it where it is asked for.
    small = write_run(tmp_path / "small", smoke())
    flags[0] = f"--run={small.path}"
    status, _, error = evaluate(*flags, "--num=20")
    assert status == 0, error
    assert "fid_tfgan_bilinear299_test_20" in small.metrics()[0]


def test_missing_inception_is_said_before_any_work(evaluate, tmp_path, data_dir, monkeypatch):
    changes = dict(image_size=64, image_channels=3, num_classes=3, dataset="colours")
    run = write_run(tmp_path / "run", smoke().replace({**changes, "data_dir": str(data_dir)}))
    before = sorted(os.listdir(run.path))

    def offline(handle):
        raise InceptionError(f"Inception from {handle}: cannot be fetched.")

    monkeypatch.setattr("gan.metrics.inception._find", offline)
    monkeypatch.setattr("checkpoints.loading.load", None)  # Nothing may be loaded.
    status, _, error = evaluate(f"--run={run.path}")
    assert status == 1
    handle = "https://tfhub.dev/tensorflow/tfgan/eval/inception/1"
    assert f"error: Inception from {handle}: cannot be" in error
    assert error.count("\n") == 1
    assert sorted(os.listdir(run.path)) == before


def test_a_wrong_pipeline_is_in_the_report(run, source, judge, cache_dir, monkeypatch):
    monkeypatch.setattr("gan.evaluation.protocol.pipeline_warning", lambda *args: "WRONG")
    record = Evaluation(smoke(), source, judge, cache_dir).evaluate(loader(run), 1)
    assert record["warning"] == "WRONG"
    assert json.loads(json.dumps(record)) == record


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--num=1"], "--num=1: must be at least 2"),
        (["--num=many"], "error: --num: 'many' is not an integer."),
        (["--eval_images=many"], "error: --eval_images: 'many' is not an integer."),
        (["--eval_images=1"], "error: --eval_images=1: must be at least 2"),
        (["--model=run", "--out=new.json"], "new.json: ends in .json as a file does"),
        (["--repetitions=0"], "--repetitions=0: must be at least 1."),
        (["--batch_size=0"], "--batch_size=0: must be at least 1."),
        (["--model=nowhere"], "nowhere: there is no such file or folder, and no released model"),
        (["--model=hamgan_strong"], "hamgan_strong: does not ship with us. Download it from"),
        (["--model=run", "--step=3"], "no checkpoint of step 3. There are: 7."),
        (["--model=run", "--split=validation"], "'digits' has no split 'validation'"),
        (["--model=run", "--train_split=all"], "'digits' has no split 'all'"),
        (["--model=run", "--dataset=imagenet2012", "--data_dir=empty"], "imagenet2012"),
        (["--model=run", "--inception=nowhere"], "--inception=nowhere: there is no such folder"),
        (
            ["--model=run", "--out=run/config.json"],
            "run/config.json: this is a file. Give another folder by --out.",
        ),
    ],
)
def test_wrong_values_are_found_before_any_work(
    evaluate, run, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    status, _, error = evaluate(*arguments)
    assert status == 1
    assert error.startswith("error: ")
    assert message in error
    assert error.count("\n") == 1
    assert os.listdir(tmp_path) == ["run"]
    assert sorted(os.listdir("run")) == ["checkpoints", "config.json"]


def test_modes_of_gan_train_need_no_tf_gan(run, monkeypatch, capsys):
    """`eval` repeats the evaluation, `continuous_eval` does each checkpoint once."""

    def train(*arguments):
        monkeypatch.setattr(
            sys, "argv", ["train", "--preset=smoke", f"--run={run.path}", *arguments]
        )
        execute(gan.train.main)
        return capsys.readouterr().out

    # A record of an earlier version does not count, the new one does.
    run.add_metrics({"step": 7, "frechet_distance": 3.0, "evaluated_images": 100})
    for _ in range(2):
        out = train("--mode=continuous_eval", "--steps=7")
        assert [record.get("repetitions") for record in run.metrics()] == [None, 1]
    out = train("--mode=eval", "--eval_repetitions=3")
    assert "step 7: 100 generated images, mean ± sample standard deviation of 3 repetitions" in out
    assert run.metrics()[-1]["repetitions"] == 3


@pytest.mark.parametrize("name", ["digits", "hamgan_baby"])
def test_a_run_with_a_released_models_name(evaluate, judge, tmp_path, monkeypatch, name):
    """A job and the command evaluate the run, by its judge, and record it there."""
    monkeypatch.chdir(tmp_path)
    run = write_run(name, smoke())
    judge.save(run.judge_path)
    Job(smoke().replace({"steps": 7}), name, trains=False).evaluate_continuously(60)
    status, _, error = evaluate(f"--run={name}", "--repetitions=1", f"--out={tmp_path / name}")
    assert status == 0, error
    first, second = run.metrics()
    assert first["step"] == second["step"] == 7
    assert first["sha256"] == second["sha256"] == judge.sha256
    assert "model" not in second


def test_the_data_of_a_run_of_class_folders(evaluate, tmp_path, judge, monkeypatch):
    """The splits and the classes are the run's; data that has changed is refused."""
    folder = write_class_folders(tmp_path / "pets", "cats", "dogs", count=10)
    asked = smoke().replace({"dataset": folder, "num_classes": 2, "eval_images": 20})
    _, config, _ = open_and_choose(asked)
    assert config.data.test_split == "train[18:]"
    run = write_run(tmp_path / "run", config)
    Judge(_of_two_classes(judge), 16, 0.5).save(run.judge_path)
    status, out, error = evaluate(f"--run={run.path}", "--repetitions=1")
    assert (status, error) == (0, "")
    assert "Real images: folder " in out
    assert "frechet_distance_judge_train[18:]_20" in run.metrics()[0]
    # The same elsewhere, and other classes there: said, and compared by number.
    other = write_class_folders(tmp_path / "other", "birds", "dogs", count=10)
    flags = [f"--run={run.path}", f"--dataset={other}", "--repetitions=1", f"--out={tmp_path}/out"]
    monkeypatch.setattr(
        "gan.evaluation.feature_networks.open_judge",
        lambda *_: Judge(_of_two_classes(judge), 16, 0.5),
    )
    status, out, error = evaluate(*flags)
    assert status == 0, error
    assert error.startswith(f"warning: --dataset={other}: has other classes than the model was tra")
    assert "(0=cats, 1=dogs); they are compared by number.\n" in error
    assert "; trained on train[:18], evaluated against train[18:]: there is no split 'test'" in out
    os.rename(tmp_path / "pets" / "cats", tmp_path / "pets" / "zcats")
    status, _, error = evaluate(f"--run={run.path}")
    assert status == 1
    assert "there is no class 'cats' any more and 'zcats' is new" in error
    assert error.count("\n") == 1
    with pytest.raises(ClassesChangedError):
        Job(asked, run.path, trains=False)
    assert len(run.metrics()) == 1


def _of_two_classes(judge):
    """The weights of a judge of the digits, for the first two of them."""
    weights = dict(judge.weights)
    for name in ("logits/kernel", "logits/bias"):
        weights[name] = weights[name][..., :2]
    return weights


def test_configuration_of_an_older_run_is_read(run):
    with open(run.config_path, encoding="utf-8") as file:
        content = json.load(file)
    for name in ("eval_repetitions", "inception"):
        del content["evaluation"][name]
    with open(run.config_path, "w", encoding="utf-8") as file:
        json.dump(content, file)
    evaluation = run.read_config().evaluation
    expected = dataclasses.replace(smoke().evaluation, eval_repetitions=5)
    assert evaluation == expected


def test_a_judge_judges_the_images_it_was_trained_on(tmp_path):
    folder = str(tmp_path)
    changes = [{}, {"resampling": "antialiased"}, {"data_dir": folder}, {"dataset": folder}]
    paths = [shared_judge_path(smoke().replace(change), "cache") for change in changes]
    of_folder = smoke().replace({"dataset": folder})
    for names in (("a", "b"), ("b", "a"), (os.fsdecode(b"\xe9"), "b")):
        config = of_folder.with_found(class_names=names)
        paths.append(shared_judge_path(config, "cache"))
    assert len(set(paths)) == len(paths)
    assert {os.path.dirname(path) for path in paths} == {os.path.join("cache", "judges")}
    long = smoke().replace({"dataset": "/a" * 200})
    assert len(os.path.basename(shared_judge_path(long, "cache"))) < 200


def test_rounded_real_images_are_refused_before_any_work():
    config, source = smoke(), open_images("digits", 16, 1, 10)
    check_real_images(config, source, for_judge=True)
    source = dataclasses.replace(source, inexact="there are rounded images alone")
    with pytest.raises(DataError, match="'digits': there are rounded images alone"):
        check_real_images(config, source, for_judge=True)
