"""All that the estimator's graph trains, by checkpoint name; read and written in its session."""

import re

import numpy as np
import tensorflow as tf

from checkpoints.tensor_names import variable_of_average

# A loop on a TPU puts its own scopes before these.
_SAVED = re.compile(
    r"((Generator|Discriminator|generator_train|discriminator_train)/.+|global_step$)"
)


class GraphState:
    """The variables of the current graph that a checkpoint holds. To be made before it is final."""

    def __init__(self):
        self._variables, self._placeholders, self._assignments = {}, {}, {}
        for variable in tf.compat.v1.global_variables():
            match = _SAVED.search(variable.op.name)
            if match is None:
                continue
            name = match[0]
            fed = tf.compat.v1.placeholder(variable.dtype.base_dtype, variable.shape)
            self._variables[name] = variable
            self._placeholders[name] = fed
            self._assignments[name] = tf.compat.v1.assign(variable, fed).op

    @property
    def names(self) -> list[str]:
        """The variables' names in a checkpoint."""
        return list(self._variables)

    def read(self, session, prefix: str = "") -> dict[str, np.ndarray]:
        """The arrays of all variables whose names begin with `prefix`, slots and averages too."""
        wanted = {name: v for name, v in self._variables.items() if name.startswith(prefix)}
        return session.run(wanted)

    def assign(self, session, arrays: dict[str, np.ndarray]):
        """Takes over a checkpoint's arrays, of this engine or the other's.

        Averages that are missing start from their weights.

        Raises:
            KeyError: naming a weight or a moment that is missing.
            ValueError: naming one of another shape.
        """
        values = {}
        for name, variable in self._variables.items():
            value = arrays.get(name)
            if value is None:
                value = arrays.get(variable_of_average(name))
            if value is None:
                raise KeyError(name)
            if value.shape != tuple(variable.shape):
                raise ValueError(name)
            values[name] = value
        self._run(session, values)

    def assign_weights(self, session, arrays: dict[str, np.ndarray]):
        """Gives a new run some of its weights, and all averages the weights they are of."""
        averages = {}
        for name in self._variables:
            source = variable_of_average(name)
            if source in arrays:
                averages[name] = arrays[source]
            elif source is not None:
                averages[name] = session.run(self._variables[source])
        self._run(session, {**arrays, **averages})

    def _run(self, session, values):
        session.run(
            [self._assignments[name] for name in values],
            {self._placeholders[name]: value for name, value in values.items()},
        )
