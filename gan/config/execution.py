"""What a job runs on, and how: nothing here changes what is trained but its rounding."""

import dataclasses

from gan.config.fields import check_choices, option, require

ENGINES = ("auto", "estimator", "distribute")
STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker", "tpu")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclasses.dataclass(frozen=True)
class ExecutionConfig:
    """What the job runs on. The same run may go on with other values."""

    engine: str = option(
        "auto",
        "estimator: TF-GAN's TPU estimator (TensorFlow 2.15), alone, on one device or a TPU; "
        "distribute: a tf.distribute loop (any TensorFlow), which several GPUs or machines, 16 "
        "bits, XLA on a CPU or GPU and bit-equal results need; auto: estimator where TF-GAN is "
        "installed, there are not several GPUs, and nothing else needs the other",
        ENGINES,
    )
    strategy: str = option(
        "auto",
        "one_device; mirrored: all GPUs of this machine; multi_worker: the machines in TF_CONFIG; "
        "tpu: the one of --tpu; auto: what is there",
        STRATEGIES,
    )
    tpu: str = option("", "name or grpc:// address of a TPU; 'local' on a TPU VM; empty for none")
    tpu_zone: str = option("", "zone of the TPU; empty for the one of the environment")
    tpu_project: str = option("", "cloud project of the TPU; empty for the one of the environment")
    steps_per_execution: int = option(
        1,
        "steps the device does between two looks of the host: more on a TPU; elsewhere with "
        "engine distribute",
    )
    jit_compile: bool = option(
        False, "compile the training step by XLA; on a TPU it always is (engine distribute)"
    )
    precision: str = option(
        "float32",
        "float32, or 16 bits for activations with float32 weights; float16 scales the losses "
        "(engine distribute)",
        PRECISIONS,
    )
    deterministic: bool = option(
        False, "bit-equal results from run to run, at some speed (engine distribute)"
    )
    worker_timeout: float = option(
        300.0, "seconds to wait for the other workers of TF_CONFIG at start"
    )

    def __post_init__(self):
        check_choices(self)
        every = self.steps_per_execution
        require(every >= 1, "steps_per_execution", every, "must be at least 1.")
        timeout = self.worker_timeout
        require(timeout > 0, "worker_timeout", timeout, "must be positive.")
        require(
            self.tpu or self.strategy != "tpu",
            "strategy",
            self.strategy,
            "needs --tpu=NAME (or --tpu=local on a TPU VM).",
        )
        require(
            not self.tpu or self.strategy in ("auto", "tpu"),
            "strategy",
            self.strategy,
            f"cannot go with --tpu={self.tpu}.",
        )
        require(
            self.engine != "estimator" or self.precision == "float32",
            "precision",
            self.precision,
            "needs --engine=distribute.",
        )
        require(
            self.engine != "estimator" or not (self.jit_compile or self.deterministic),
            "engine",
            self.engine,
            "takes neither --jit_compile nor --deterministic; --engine=distribute does.",
        )
