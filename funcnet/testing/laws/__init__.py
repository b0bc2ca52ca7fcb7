"""The laws that layers, losses and optimizers obey, by name, in the order in which they are asked."""

from funcnet.testing.cases.case import Law
from funcnet.testing.cases.rounding import forgiving
from funcnet.testing.laws import derivatives, forms, losses, numbers, optimizers, passes, rows
from funcnet.testing.laws.integers import integers
from funcnet.testing.laws.optimizers import OptimizerLaw
from funcnet.testing.laws.references import like
from funcnet.testing.laws.structure import structure

LAYER_LAWS: dict[str, Law] = {
    "init": passes.initialization,
    "structure": structure,
    "like": forgiving(like),
    "purity": passes.purity,
    "determinism": passes.determinism,
    "coordinates": derivatives.coordinates,
    "adjointness": derivatives.adjointness,
    "kinks": derivatives.kinks,
    "linearity": forgiving(derivatives.linearity),
    "symmetry": forgiving(derivatives.symmetry),
    "batch.rows": rows.rows,
    "batch.permutation": forgiving(rows.permutation),
    "batch.sum": forgiving(rows.sums),
    "batch.single": forgiving(rows.single),
    "batch.axes": forgiving(rows.axes),
    "batch.empty": rows.empty,
    "interleaving": passes.interleaving,
    "threads": passes.threads,
    "aliasing": passes.aliasing,
    "layout": forgiving(numbers.layout),
    "dtype": forgiving(numbers.dtype),
    "integers": integers,
    "finite": numbers.finite,
    "nan": numbers.nan,
    "shortcuts": passes.shortcuts,
    "composition": passes.composition,
    "pickle": passes.pickling,
    "training": forms.training,
    "statistics": forms.statistics,
}

LOSS_LAWS: dict[str, Law] = {
    "structure": losses.structure,
    "like": forgiving(like),
    "purity": losses.purity,
    "determinism": passes.determinism,
    "coordinates": losses.coordinates,
    "adjointness": losses.adjointness,
    "kinks": derivatives.kinks,
    "symmetry": forgiving(derivatives.symmetry),
    "batch.permutation": forgiving(losses.permutation),
    "batch.sum": forgiving(losses.sums),
    "batch.reductions": forgiving(losses.reductions),
    "batch.single": losses.single,
    "batch.axes": losses.axes,
    "batch.empty": losses.empty,
    "shapes": losses.shapes,
    "interleaving": passes.interleaving,
    "threads": passes.threads,
    "aliasing": passes.aliasing,
    "layout": forgiving(losses.layout),
    "dtype": forgiving(losses.dtype),
    "finite": losses.finite,
    "nan": losses.nan,
    "pickle": passes.pickling,
}

OPTIMIZER_LAWS: dict[str, OptimizerLaw] = {
    "purity": optimizers.purity,
    "structure": optimizers.structure,
    "like": optimizers.like,
    "determinism": optimizers.determinism,
    "zero": optimizers.zero,
    "descent": optimizers.descent,
    "steadiness": optimizers.steadiness,
    "order": optimizers.order,
    "aliasing": optimizers.aliasing,
    "resumption": optimizers.resumption,
    "layout": optimizers.layout,
    "dtype": optimizers.dtype,
}
