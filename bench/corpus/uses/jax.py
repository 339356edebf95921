"""Differentiates, compiles and maps."""

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp


def use() -> object:
    def loss(w):
        return jnp.sum(jnp.tanh(w @ jnp.ones((3, 2))) ** 2)

    w = jnp.arange(6.0).reshape(2, 3) / 10
    gradient = jax.jit(jax.grad(loss))(w)
    mapped = jax.vmap(lambda v: jnp.dot(v, v))(w)
    solved = jnp.linalg.solve(jnp.eye(2) * 2, jnp.ones(2))
    key = jax.random.key(0)
    scanned, _ = jax.lax.scan(lambda carry, v: (carry + v, None), 0.0, jnp.arange(4.0))
    return [
        [round(float(v), 4) for v in gradient.ravel()],
        [round(float(v), 4) for v in mapped],
        solved.tolist(),
        round(float(jax.random.normal(key)), 4),
        float(scanned),
        round(float(logsumexp(jnp.ones(3))), 5),
        jax.devices()[0].platform,
        str(jax.make_jaxpr(lambda v: v + 1)(1.0)),
    ]
