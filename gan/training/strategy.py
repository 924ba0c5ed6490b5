"""What a job runs on: a `tf.distribute` strategy for one device or many."""

import contextlib
import socket
import threading

import tensorflow as tf

from gan.config import ExecutionConfig
from gan.training.cluster import Cluster, read_cluster, wait_for_workers

_RESOLVE_SECONDS = 20.0
_CONNECT_SECONDS = 5.0
_COUNT_SECONDS = 120.0  # A TPU that has just started takes its time.
_GRPC = "grpc://"


class StrategyError(ValueError):
    """What a job is to run on is not there, or does not fit the job."""


def make_strategy(execution: ExecutionConfig) -> tf.distribute.Strategy:
    """Makes the strategy that a job asks for, or the one that fits what is there.

    "auto" is, in this order: the TPU of `tpu`; the workers of TF_CONFIG, if there is more
    than one; all GPUs of this machine, if there is more than one; else one device.
    "mirrored" takes all logical CPU devices where there is no GPU.

    To be called before TensorFlow does anything: several workers and TPUs need that.

    Args:
        execution: what the job is to run on.

    Raises:
        StrategyError: if the TPU cannot be found or reached, or the strategy contradicts
            TF_CONFIG.
        ClusterError: if TF_CONFIG cannot be read or a worker does not answer.
    """
    if execution.tpu:
        return _tpu_strategy(execution)
    cluster, name = read_cluster(), execution.strategy
    gpus = tf.config.list_physical_devices("GPU")
    workers = len(cluster.addresses)
    if name == "auto":
        several = "mirrored" if len(gpus) > 1 else "one_device"
        name = "multi_worker" if workers > 1 else several
    if name == "multi_worker":
        return _multi_worker_strategy(cluster, execution.worker_timeout)
    if workers > 1:
        raise StrategyError(
            f"--strategy={name}: TF_CONFIG names {workers} workers. Use --strategy=multi_worker, "
            "or unset TF_CONFIG."
        )
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU" if gpus else "CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.OneDeviceStrategy("/GPU:0" if gpus else "/CPU:0")


def describe_strategy(strategy: tf.distribute.Strategy) -> str:
    """What `strategy` runs on, for a person: "1 CPU", "2 GPUs mirrored"."""
    replicas = strategy.num_replicas_in_sync
    if isinstance(strategy, tf.distribute.TPUStrategy):
        return f"a TPU of {replicas} cores"
    kinds = {tf.DeviceSpec.from_string(d).device_type for d in strategy.extended.worker_devices}
    kind = kinds.pop()
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        cluster = read_cluster()
        workers = max(1, len(cluster.addresses))
        return f"worker {cluster.index} of {workers}, with {_count(replicas // workers, kind)} each"
    if isinstance(strategy, tf.distribute.MirroredStrategy):
        return f"{_count(replicas, kind)} mirrored"
    return _count(replicas, kind)


def check_batch_size(batch_size: int, strategy: tf.distribute.Strategy):
    """Checks that the batch can be shared out equally.

    Args:
        batch_size: of one sub-step, all replicas together.
        strategy: whose replicas there are.

    Raises:
        StrategyError: if not; it names the nearest sizes that can.
    """
    check_batch_size_of(batch_size, strategy.num_replicas_in_sync, describe_strategy(strategy))


def check_batch_size_of(batch_size: int, replicas: int, description: str):
    """Does the same for a number of replicas and what they are, for a person."""
    below = batch_size // replicas * replicas
    if below == batch_size:
        return
    nearest = f"{below} or {below + replicas}" if below else f"{replicas}"
    raise StrategyError(
        f"--batch_size={batch_size}: must be a multiple of the {replicas} replicas "
        f"({description}). Use {nearest}."
    )


def find_tpu(execution: ExecutionConfig):
    """Finds the TPU of a job for TF1 sessions, which initialise it themselves.

    Args:
        execution: what the job is to run on, `tpu` given.

    Returns:
        Its cluster resolver and its number of cores.

    Raises:
        StrategyError: if it cannot be found or reached.
    """
    resolver, _ = _reach(execution)
    name = execution.tpu
    cores = _within(_COUNT_SECONDS, name, lambda: resolver.get_tpu_system_metadata().num_cores)
    if not cores:
        raise _tpu_error(name, "it has no cores")
    return resolver, cores


@contextlib.contextmanager
def lost_workers_explained():
    """Inside, what TensorFlow says when another worker dies becomes one line.

    Raises:
        StrategyError: if one did.
    """
    try:
        yield
    except tf.errors.OpError as error:
        is_collective = "Collective ops is aborted" in error.message
        if not is_collective and not isinstance(error, tf.errors.UnavailableError):
            raise
        raise StrategyError(
            "Another worker of TF_CONFIG has ended or cannot be reached any more. See what it "
            "says; the same command on all workers goes on from the newest checkpoint."
        ) from error


def _multi_worker_strategy(cluster: Cluster, timeout):
    if not cluster.addresses:
        raise StrategyError(
            "--strategy=multi_worker: needs the environment variable TF_CONFIG, which names the "
            "workers; docs/distributed.md shows one."
        )
    wait_for_workers(cluster, timeout)
    return tf.distribute.MultiWorkerMirroredStrategy()


def _reach(execution):
    """Resolver and cluster of the TPU, whose workers answer."""
    name = execution.tpu
    # TensorFlow tries both for minutes or for ever.
    resolver, spec = _within(_RESOLVE_SECONDS, name, lambda: _resolve(execution))
    for address in spec.as_dict().get("worker", []):
        host, _, port = address.removeprefix(_GRPC).rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
        except (OSError, ValueError) as error:
            raise _tpu_error(name, f"{address} cannot be reached: {error}") from error
    return resolver, spec


def _tpu_strategy(execution):
    name = execution.tpu
    resolver, spec = _reach(execution)
    try:
        if spec.as_dict():
            tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (tf.errors.OpError, RuntimeError, ValueError) as error:
        raise _tpu_error(name, error) from error
    return tf.distribute.TPUStrategy(resolver)


def _resolve(execution):
    resolver = tf.distribute.cluster_resolver.TPUClusterResolver(
        execution.tpu, zone=execution.tpu_zone or None, project=execution.tpu_project or None
    )
    return resolver, resolver.cluster_spec()


def _within(seconds, name, function):
    """Calls `function` and returns its result, if it has one in time."""
    outcome = {}

    def call():
        try:
            outcome["result"] = function()
        except Exception as error:  # Whatever the cloud's client raises.
            outcome["error"] = error

    # A daemon: one that hangs must not keep the process.
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if "result" in outcome:
        return outcome["result"]
    raise _tpu_error(name, outcome.get("error", f"no answer within {seconds:g} s"))


def _tpu_error(name, reason):
    # TensorFlow's reasons go on for lines.
    reason = (str(reason) or type(reason).__name__).splitlines()[0].split(". ")[0].rstrip(".")
    return StrategyError(
        f"--tpu={name}: no such TPU ({reason}). Give the name of one that is running, with "
        "--tpu_zone and --tpu_project where it is elsewhere, grpc://HOST:8470, or 'local' on a "
        "TPU VM."
    )


def _count(number, kind):
    return f"{number} {kind}{'s' if number > 1 else ''}"
