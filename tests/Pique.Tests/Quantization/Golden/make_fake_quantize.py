#!/usr/bin/python3
"""Makes fake_quantize.json: fake quantization and its gradients, computed by PyTorch instead of by Pique.

Run it on Debian 12 after `apt install python3-torch` (PyTorch 1.13) with /usr/bin/python3. It is seeded, so that every
run writes the same file beside itself.

Sources of the cases:
  torch            torch.fake_quantize_per_tensor_affine and torch.fake_quantize_per_channel_affine
  torch_learnable  torch._fake_quantize_learnable_per_channel_affine, which also has gradients of scale and zero point
  composed         the stated formulas of every estimator, written with autograd and the detach trick

PyTorch differs from LSQ (arXiv:1902.08153) in two ways. It multiplies by the reciprocal of the scale: the script asserts
that no code depends on it. And it passes the gradient where the rounded code is in range, LSQ where w/s is: the torch
cases hold no weight for which the two differ, which is asserted too; the composed cases hold many. The backward pass of
torch_learnable also rounds w/s + z where its forward pass rounds w/s, so that ties differ at odd zero points: the row of
ties has an even one there, and a power of two as its scale.
"""

import json
import math
import pathlib

import numpy
import torch

ROWS, COLUMNS, BLOCK = 4, 11, 5
BITS = (2, 3, 4, 5, 8)
FLOOR = 2.0 ** -24
TIE_ROW, HUGE_ROW = 1, 2
CLIP, LAMBDA, DELTA = 0.7, 0.3, 0.05

random = numpy.random.RandomState(20240517)
upstream = torch.tensor(random.uniform(-2, 2, (ROWS, COLUMNS)).round(3).astype(numpy.float32))
upstream[3, 4] = 0.0


def f32(value):
    return torch.tensor(value, dtype=torch.float32)


class Grid:
    """Levels lowest ... highest, whole numbers plus an offset; per group where there are zero points."""

    def __init__(self, kind, bits, zero_points=None):
        self.kind, self.bits, self.zero_points = kind, bits, zero_points
        self.offset = 0.5 if kind == "half_integer" else 0.0
        half = 2 ** (bits - 1)
        zeros = f32(half) if zero_points is None else zero_points
        self.lowest = -zeros + self.offset
        self.highest = 2 ** bits - 1 - zeros + self.offset
        self.positive_levels = half - 1

    def levels(self, quotient):
        rounded = torch.round(quotient - self.offset) + self.offset
        return torch.minimum(torch.maximum(rounded, self.lowest), self.highest) + 0.0

    def in_range(self, quotient):
        return (quotient >= self.lowest) & (quotient <= self.highest)


def group_index(granularity):
    """The group of every weight, shape [ROWS, COLUMNS], and the shape of the scales."""
    row = torch.arange(ROWS).unsqueeze(1).expand(ROWS, COLUMNS)
    column = torch.arange(COLUMNS).unsqueeze(0).expand(ROWS, COLUMNS)
    if granularity == "tensor":
        return row * 0, (1, 1)
    if granularity == "channel":
        return row, (ROWS, 1)
    blocks = -(-COLUMNS // BLOCK)
    return row * blocks + column // BLOCK, (ROWS, blocks)


def make_scales(shape, bits):
    """Float16-exact steps that clip some of the weights; the row of zeros has the smallest step there is."""
    step = random.uniform(0.8, 1.6, shape) / 2 ** (bits - 1)
    scales = torch.tensor(step.astype(numpy.float16).astype(numpy.float32))
    if shape[0] > 1:
        scales[0] = FLOOR
    return scales


def make_weights(scales, index, grid, huge):
    """A row of zeros, a row of exact ties, a row with huge weights, the ends of the range and |w| = 0.7, random ones."""
    weights = torch.tensor(random.uniform(-1.5, 1.5, (ROWS, COLUMNS)).round(4).astype(numpy.float32))
    step = scales.reshape(-1)[index]
    weights[0] = 0.0
    ties = torch.arange(COLUMNS) - COLUMNS // 2 + 0.5 - grid.offset
    weights[TIE_ROW] = ties * step[TIE_ROW]
    weights[HUGE_ROW, : len(huge)] = f32(huge)
    lowest, highest = (bound.expand(ROWS, COLUMNS) if bound.dim() == 0 else bound for bound in (grid.lowest, grid.highest))
    weights[3, 0] = (highest * step)[3, 0]
    weights[3, 1] = (lowest * step)[3, 1]
    weights[3, 2] = ((highest + 0.25) * step)[3, 2]
    weights[3, 3] = ((lowest - 0.25) * step)[3, 3]
    weights[3, 5:8] = f32([CLIP, -CLIP, -0.0])
    return weights


def numbers(values):
    """Shortest decimals that read back as the same float32."""
    return [float(str(value)) for value in values.detach().to(torch.float32).reshape(-1).numpy()]


def case(name, source, estimator, grid, granularity, weights, scales, output, weight_gradient, **more):
    entry = {
        "name": name, "source": source, "estimator": estimator, "bits": grid.bits, "grid": grid.kind,
        "granularity": granularity, "weights": numbers(weights), "scales": numbers(scales),
        "output": numbers(output), "weight_gradient": numbers(weight_gradient),
    }
    for key, value in more.items():
        if value is not None:
            entry[key] = numbers(value) if isinstance(value, torch.Tensor) else value
    return entry


def by_group(terms, index, shape):
    return torch.zeros(shape[0] * shape[1], dtype=torch.float64).index_add_(0, index.reshape(-1), terms.reshape(-1)).reshape(shape)


def affine_zero_points(shape, bits):
    return torch.tensor(random.randint(0, 2 ** bits, shape).astype(numpy.float32))


def covering_zero_points(weights, index, shape, bits):
    """round(-lowest / covering): what an estimator that learns nothing derives from the range of the weights."""
    flat, group = weights.reshape(-1), index.reshape(-1)
    zero_points = torch.zeros(shape).reshape(-1)
    for number in range(zero_points.numel()):
        members = flat[group == number]
        top, bottom = members.max().clamp(min=0), members.min().clamp(max=0)
        covering = top / (2 ** bits - 1) - bottom / (2 ** bits - 1)
        if covering > 0:
            zero_points[number] = torch.round(-bottom / covering)
    return zero_points.reshape(shape)


def torch_case(bits, affine, granularity, learnable):
    """PyTorch's own fake quantization; LSQ's weight gradient, and the gradients of scale and zero point where it has them."""
    index, shape = group_index(granularity)
    scales = make_scales(shape, bits)
    zeros = affine_zero_points(shape, bits) if affine else None
    if learnable and affine:
        zeros[TIE_ROW] -= zeros[TIE_ROW] % 2
        scales[TIE_ROW] = 2.0 ** (1 - bits)
    grid = Grid("affine" if affine else "twos_complement", bits, zeros.reshape(-1)[index] if affine else None)
    step = scales.reshape(-1)[index]
    weights = make_weights(scales, index, grid, [1e4, -1e4])
    code = torch.round(weights / step)
    differ = grid.in_range(code) != grid.in_range(weights / step)
    weights = torch.where(differ, grid.levels(weights / step) * step, weights)
    assert torch.equal(torch.round(weights / step), torch.round(weights * (1 / step)))
    assert torch.equal(grid.in_range(torch.round(weights / step)), grid.in_range(weights / step))

    half = 2 ** (bits - 1)
    least, most = (0, 2 ** bits - 1) if affine else (-half, half - 1)
    w = weights.clone().requires_grad_()
    s = scales.reshape(-1).clone().requires_grad_(learnable)
    zero_points = zeros.reshape(-1) if affine else torch.zeros(scales.numel())
    more = {"zero_points": zeros}
    if not learnable:
        if granularity == "tensor":
            output = torch.fake_quantize_per_tensor_affine(w, s.item(), int(zero_points.item()), least, most)
        else:
            output = torch.fake_quantize_per_channel_affine(w, s, zero_points.to(torch.int32), 0, least, most)
        output.backward(upstream)
    else:
        z = zero_points.clone().requires_grad_()
        code_offset = zero_points[index]
        assert torch.equal(torch.round(weights * (1 / step) + code_offset), torch.round(weights / step) + code_offset)
        gamma = 1 / math.sqrt(COLUMNS * grid.positive_levels)
        output = torch._fake_quantize_learnable_per_channel_affine(w, s, z, 0, least, most, gamma)
        output.backward(upstream)
        more["scale_gradient"] = s.grad
        more["scale_gradient_terms"] = scale_terms(weights, step, grid, gamma, index, shape)
        if affine:
            more["zero_point_gradient"] = z.grad
            more["zero_point_gradient_terms"] = zero_point_terms(weights, step, grid, gamma, index, shape)
    name = f"{'torch_learnable' if learnable else 'torch'} {granularity} {grid.kind} {bits}"
    return case(name, "torch_learnable" if learnable else "torch", "lsq", grid, granularity, weights, scales, output, w.grad, **more)


def scale_terms(weights, step, grid, gamma, index, shape):
    """The sum of the magnitudes of what a scale's gradient adds up: what its rounding error is relative to."""
    quotient = weights / step
    magnitude = grid.levels(quotient).abs() + torch.where(grid.in_range(quotient), quotient.abs(), f32(0.0))
    return by_group((upstream.abs() * magnitude).double() * gamma, index, shape)


def zero_point_terms(weights, step, grid, gamma, index, shape):
    """As scale_terms, of a zero point's gradient: the steps of the clipped weights."""
    clipped = torch.where(grid.in_range(weights / step), f32(0.0), step)
    return by_group((upstream.abs() * clipped).double() * gamma, index, shape)


def lsq_case(bits, kind, pi_k, granularity):
    """LSQ and, on the affine grid, LSQ+ (arXiv:2004.09576). Codes are float32's, as in the forward pass; gradients are float64's."""
    index, shape = group_index(granularity)
    scales = make_scales(shape, bits)
    zeros = affine_zero_points(shape, bits) if kind == "affine" else None
    grid = Grid(kind, bits, None if zeros is None else zeros.reshape(-1)[index])
    weights = make_weights(scales, index, grid, [1e4, -1e4, 1e30, -3e38])
    step = scales.reshape(-1)[index]
    quotient = weights / step
    inside, level = grid.in_range(quotient), grid.levels(quotient)

    factor = 1.0 if pi_k is None else math.pi / pi_k
    w = weights.double().requires_grad_()
    parameter = (scales.double() / factor).requires_grad_()
    gamma = 1 / torch.sqrt(by_group(torch.ones(ROWS, COLUMNS).double(), index, shape) * grid.positive_levels)
    scaled = parameter * gamma + (parameter - parameter * gamma).detach()
    s = (scaled * factor).reshape(-1)[index]
    ratio = w / s
    rounded = ratio + (level - ratio).detach()
    z = (torch.zeros(shape) if zeros is None else zeros).double().requires_grad_()
    shift = z * gamma + (z - z * gamma).detach()
    shift = shift.reshape(-1)[index]
    # (code - z)*s: in range the code is round(w/s) + z, clipped it is a constant.
    clipped = level.double() + shift.detach() - shift
    fake = torch.where(inside, rounded, clipped) * s
    fake.backward(upstream.double())
    per_weight = gamma.reshape(-1)[index]
    terms = scale_terms(weights, step, grid, factor * per_weight, index, shape)
    more = {"zero_points": zeros, "scale_gradient": parameter.grad, "scale_gradient_terms": terms, "pi_k": pi_k}
    if zeros is not None:
        more["zero_point_gradient"] = z.grad
        more["zero_point_gradient_terms"] = zero_point_terms(weights, step, grid, per_weight, index, shape)
    name = f"lsq {granularity} {kind} {bits}" + (f" pi/{pi_k}" if pi_k else "")
    return case(name, "composed", "lsq", grid, granularity, weights, scales, level * step, w.grad, **more)


def fixed_case(estimator, bits, kind, granularity):
    """Clipped, Ewgs and EwgsSigned: the gradient of the weight alone."""
    index, shape = group_index(granularity)
    scales = make_scales(shape, bits)
    weights = make_weights(scales, index, Grid("twos_complement", bits), [1e4, -1e4])
    if kind != "twos_complement":
        weights[TIE_ROW] = (torch.arange(COLUMNS) - COLUMNS // 2.0) * scales.reshape(-1)[index][TIE_ROW] / (1 if kind == "half_integer" else 2)
    zeros = covering_zero_points(weights, index, shape, bits) if kind == "affine" else None
    grid = Grid(kind, bits, None if zeros is None else zeros.reshape(-1)[index])
    step = scales.reshape(-1)[index]
    w = weights.clone().requires_grad_()
    fake = (grid.levels(weights / step) * step).detach()
    residual = weights - fake
    if estimator == "clipped":
        slope = (weights.abs() <= f32(CLIP)).float()
    elif estimator == "ewgs":
        slope = 1 + f32(LAMBDA) * residual.abs()
    else:
        slope = 1 + f32(DELTA) * torch.sign(upstream) * residual / step
    # The detach trick: forward fake, backward slope.
    (fake + slope.detach() * (w - w.detach())).backward(upstream)
    constant = {"clipped": CLIP, "ewgs": LAMBDA, "ewgs_signed": DELTA}[estimator]
    return case(f"{estimator} {granularity} {kind} {bits}", "composed", estimator, grid, granularity, weights, scales, fake, w.grad,
                constant=constant, zero_points=zeros)


def main():
    granularities = ("tensor", "channel", "block")
    cases = []
    for bits in BITS:
        for affine in (False, True):
            cases.append(torch_case(bits, affine, "tensor", False))
            cases.append(torch_case(bits, affine, "channel", False))
            cases.append(torch_case(bits, affine, "channel", True))
        for granularity in granularities:
            for kind, pi_k in (("twos_complement", None), ("affine", None), ("half_integer", None), ("twos_complement", 3), ("twos_complement", 4)):
                cases.append(lsq_case(bits, kind, pi_k, granularity))
    for estimator in ("clipped", "ewgs", "ewgs_signed"):
        for bits in (2, 4, 8):
            for granularity in granularities:
                for kind in ("twos_complement", "half_integer"):
                    cases.append(fixed_case(estimator, bits, kind, granularity))
        cases.append(fixed_case(estimator, 4, "affine", "channel"))
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in cases)
    head = json.dumps({"rows": ROWS, "columns": COLUMNS, "block_size": BLOCK, "upstream": numbers(upstream)}, separators=(",", ":"))
    path = pathlib.Path(__file__).with_name("fake_quantize.json")
    path.write_text(head[:-1] + ',"cases":[\n' + lines + "\n]}\n")
    print(f"{len(cases)} cases, {path.stat().st_size} bytes")


main()
