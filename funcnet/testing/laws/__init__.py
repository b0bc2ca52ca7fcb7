"""The laws that every layer obeys, by name, in the order in which they are asked."""

from funcnet.testing.case import Law
from funcnet.testing.laws import derivatives, numbers, passes

LAYER_LAWS: dict[str, Law] = {
    "init": passes.initialization,
    "structure": passes.structure,
    "purity": passes.purity,
    "determinism": passes.determinism,
    "coordinates": derivatives.coordinates,
    "adjointness": derivatives.adjointness,
    "kinks": derivatives.kinks,
    "linearity": derivatives.linearity,
    "symmetry": derivatives.symmetry,
    "batch.rows": numbers.rows,
    "batch.permutation": numbers.permutation,
    "batch.sum": numbers.sums,
    "batch.single": numbers.single,
    "batch.axes": numbers.axes,
    "batch.empty": numbers.empty,
    "interleaving": passes.interleaving,
    "threads": passes.threads,
    "aliasing": passes.aliasing,
    "layout": numbers.layout,
    "dtype": numbers.dtype,
    "finite": numbers.finite,
    "nan": numbers.nan,
    "shortcuts": passes.shortcuts,
    "composition": passes.composition,
    "pickle": passes.pickling,
    "training": passes.training,
}
