"""Eager work under a TF1 graph."""

import threading

import pytest
import tensorflow as tf

from gan.evaluation.eager_thread import eagerly


def test_eager_work_stays_in_its_thread():
    assert eagerly(threading.get_ident) == threading.get_ident()


def test_work_under_a_graph_is_eager():
    with tf.Graph().as_default():
        assert float(eagerly(lambda: tf.constant(2.0) + 1.0)) == 3
        assert not tf.executing_eagerly()
        with pytest.raises(ZeroDivisionError):
            eagerly(lambda: 1 / 0)


def test_interrupt_ends_the_work(monkeypatch):
    stop, ended = threading.Event(), threading.Event()

    def work():
        stop.wait(60)
        ended.set()

    def interrupted(future):
        raise KeyboardInterrupt

    monkeypatch.setattr("concurrent.futures.Future.result", interrupted)
    with tf.Graph().as_default(), pytest.raises(KeyboardInterrupt):
        eagerly(work, stop.set)
    assert ended.is_set()
