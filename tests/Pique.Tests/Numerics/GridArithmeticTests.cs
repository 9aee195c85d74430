using CsCheck;
using Pique.Configuration;
using Pique.Numerics;
using Pique.Numerics.Kernels;
using Pique.Tests.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

/// <summary>The kernels in every form against their scalar reference, and against the plain torch operations that other devices use.</summary>
public sealed class GridArithmeticTests
{
    private static readonly SteVariant[] Estimators =
    [
        new SteVariant.Standard(), new SteVariant.Clipped(0.6f), new SteVariant.LearnedStepSize(), new SteVariant.Ewgs(0.3f), new SteVariant.EwgsSigned(0.2f),
    ];

    private static readonly Gen<Case> Cases =
        from bits in Gen.OneOf(2, 3, 4, 5, 8)
        from kind in Gen.Enum<GridKind>()
        from granularity in Gen.OneOf(
            Gen.Const<QuantGranularity>(new QuantGranularity.PerTensor()),
            Gen.Const<QuantGranularity>(new QuantGranularity.PerChannel()),
            Gen.Int[1, 70].Select(size => (QuantGranularity)new QuantGranularity.PerBlock(size)))
        from rows in Gen.Int[1, 4]
        from columns in Gen.Frequency((8, Gen.Int[1, 100]), (1, Gen.Int[4000, 40000]))
        from magnitude in Gen.OneOf(1e-7f, 1e-3f, 1f, 3e4f)
        from seed in Gen.Int[0, 1 << 20]
        from strength in Gen.OneOf(1f, 1f, 0.25f, 0f)
        from dampening in Gen.OneOf(0f, 0.01f)
        from estimator in Gen.Int[0, 4]
        select new Case(new CodeGrid(bits, kind), granularity, rows, columns, magnitude, seed, strength, dampening, Estimators[estimator]);

    [Fact]
    public void Every_form_of_the_forward_kernel_gives_the_bits_of_plain_operations() =>
        Cases.Sample(
            setting =>
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor weight = setting.Weights();
                GroupScales scales = setting.Scales(weight);
                foreach (ScalarType type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
                {
                    byte[] expected = Bytes(PlainGridArithmetic.FakeQuantize(weight, setting.Layout, scales.Scales, scales.ZeroPoints, setting.Grid, setting.Strength, type));
                    Assert.Equal(expected, Bytes(GridArithmetic.FakeQuantize(weight, setting.Layout, scales.Scales, scales.ZeroPoints, setting.Grid, setting.Strength, type)));
                    foreach (KernelForm form in Enum.GetValues<KernelForm>())
                        Assert.Equal(expected, Bytes(Forward(setting, weight, scales, type, form)));
                }
            },
            iter: 120,
            threads: 1);

    [Fact]
    public void Every_form_of_the_gradient_kernel_gives_the_bits_of_the_scalar_one_and_agrees_with_plain_operations() =>
        Cases.Sample(
            setting =>
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor weight = setting.Weights();
                Tensor upstream = setting.Weights(1).div_(HeldScalar.Of(setting.Magnitude));
                GroupScales scales = setting.Scales(weight);
                GradientRule rule = new(setting.Layout, setting.Grid, scales.Scales, scales.ZeroPoints, setting.Estimator, setting.Strength, setting.Dampening);
                foreach (bool accumulates in new[] { false, true })
                {
                    Tensor plain = ones_like(weight);
                    (Tensor? plainScales, Tensor? plainZeroPoints) = PlainGradientArithmetic.Compute(weight, upstream, plain, accumulates, rule);
                    (byte[] Weights, byte[] Scales, byte[] ZeroPoints) reference = Gradients(setting, weight, upstream, rule, accumulates, KernelForm.Scalar);
                    Assert.Equal(Bytes(plain), reference.Weights);
                    AssertClose(plainScales, reference.Scales, setting, upstream);
                    AssertClose(plainZeroPoints, reference.ZeroPoints, setting, upstream);
                    foreach (KernelForm form in Enum.GetValues<KernelForm>())
                        Assert.Equal(reference, Gradients(setting, weight, upstream, rule, accumulates, form), Comparer);
                }
            },
            iter: 120,
            threads: 1);

    [Fact]
    public void Every_form_finds_the_same_ranges_and_scales() =>
        Cases.Sample(
            setting =>
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor weight = setting.Weights();
                GroupScales plain = PlainGridArithmetic.Covering(weight, setting.Layout, setting.Grid);
                GroupScales found = GridArithmetic.Covering(weight, setting.Layout, setting.Grid);
                Assert.Equal(plain.Scales.data<float>().ToArray(), found.Scales.data<float>().ToArray());
                if (plain.ZeroPoints is { } zeroPoints)
                    Assert.Equal(zeroPoints.data<float>().ToArray(), found.ZeroPoints!.data<float>().ToArray());
                byte[]? reference = null;
                Tensor importance = rand([setting.Layout.LineWidth], generator: new Generator((ulong)setting.Seed));
                foreach (KernelForm form in Enum.GetValues<KernelForm>())
                {
                    byte[] searched = [.. Searched(setting, weight, found, form, null), .. Searched(setting, weight, found, form, importance)];
                    reference ??= searched;
                    Assert.Equal(reference, searched);
                }
            },
            iter: 40,
            threads: 1);

    [Fact]
    public void Tokens_lie_on_the_same_grid_in_kernels_and_plain_operations() =>
        Cases.Sample(
            setting =>
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor tokens = setting.Weights();
                int bits = setting.Grid.Bits + (setting.Seed % 2 * 8);
                Assert.Equal(Bytes(PlainGridArithmetic.FakeQuantizeTokens(tokens, bits)), Bytes(GridArithmetic.FakeQuantizeTokens(tokens, bits)));
            },
            iter: 60,
            threads: 1);

    private static unsafe Tensor Forward(Case setting, Tensor weight, GroupScales scales, ScalarType type, KernelForm form)
    {
        Tensor output = empty(weight.shape, dtype: type);
        FakeQuantizeKernel.Arguments arguments = new()
        {
            Weights = TensorPointer.Of(weight),
            Output = TensorPointer.OfOutput(output),
            IsBFloat16 = type == ScalarType.BFloat16,
            IsNonTemporal = setting.Seed % 2 == 0,
            Strength = setting.Strength,
            Grid = Grid(setting, scales),
        };
        FakeQuantizeKernel.Run(arguments, setting.Layout, form);
        return output;
    }

    private static unsafe (byte[] Weights, byte[] Scales, byte[] ZeroPoints) Gradients(Case setting, Tensor weight, Tensor upstream, GradientRule rule, bool accumulates, KernelForm form)
    {
        Tensor destination = ones_like(weight);
        Tensor scaleGradients = zeros(setting.Layout.ScaleShape), zeroPointGradients = zeros(setting.Layout.ScaleShape);
        GradientKernel.Arguments arguments = new()
        {
            Weights = TensorPointer.Of(weight),
            Upstream = TensorPointer.Of(upstream),
            WeightGradients = TensorPointer.Of(destination),
            Accumulates = accumulates,
            IsNonTemporal = setting.Seed % 2 == 0,
            ScaleGradients = rule.LearnsScale ? TensorPointer.Of(scaleGradients) : null,
            ZeroPointGradients = rule.LearnsScale && rule.ZeroPoints is not null ? TensorPointer.Of(zeroPointGradients) : null,
            Grid = Grid(setting, new GroupScales(rule.Scales, rule.ZeroPoints)),
            Strength = rule.Strength,
            Dampening = 2f * rule.Strength * rule.Dampening,
            BlockFactor = rule.ScaleFactor(setting.Layout.BlockSize),
            TailFactor = rule.ScaleFactor(setting.Layout.TailSize),
        };
        GradientArithmetic.Run(arguments, rule, form);
        return (Bytes(destination), Bytes(scaleGradients), Bytes(zeroPointGradients));
    }

    private static unsafe byte[] Searched(Case setting, Tensor weight, GroupScales covering, KernelForm form, Tensor? importance)
    {
        using Tensor scales = covering.Scales.clone();
        float* factors = importance is null ? null : TensorPointer.Of(importance);
        ScaleSearchKernel.Run(TensorPointer.Of(weight), Grid(setting, new GroupScales(scales, covering.ZeroPoints)), setting.Layout, form, factors);
        return Bytes(scales);
    }

    private static unsafe GridPointers Grid(Case setting, GroupScales scales) =>
        new(setting.Grid, TensorPointer.Of(scales.Scales), scales.ZeroPoints is null ? null : TensorPointer.Of(scales.ZeroPoints));

    private static void AssertClose(Tensor? expected, byte[] found, Case setting, Tensor upstream)
    {
        if (expected is null)
            return;
        // The sums are taken in another order: their terms are at most 2^bits·|g|, or s·|g|, times γ ≤ 1.
        double tolerance = 1e-5 * (setting.Grid.MaxCode + setting.Magnitude) * upstream.abs().max().item<float>() * Math.Sqrt(setting.Layout.BlockSize);
        Assert.All(expected.data<float>().ToArray().Zip(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(found).ToArray()), pair => Assert.InRange(pair.Second - pair.First, -tolerance, tolerance));
    }

    private static byte[] Bytes(Tensor values) => values.bytes.ToArray();

    private static readonly IEqualityComparer<(byte[] Weights, byte[] Scales, byte[] ZeroPoints)> Comparer =
        EqualityComparer<(byte[] Weights, byte[] Scales, byte[] ZeroPoints)>.Create(
            (left, right) => left.Weights.AsSpan().SequenceEqual(right.Weights) && left.Scales.AsSpan().SequenceEqual(right.Scales) && left.ZeroPoints.AsSpan().SequenceEqual(right.ZeroPoints));

    private sealed record Case(
        CodeGrid Grid, QuantGranularity Granularity, int Rows, int Columns, float Magnitude, int Seed, float Strength, float Dampening, SteVariant Estimator)
    {
        public GroupLayout Layout { get; } = GroupLayout.For(Granularity, Rows, Columns);

        public Tensor Weights(int stream = 0)
        {
            using Tensor shape = QuantizationCases.Matrix(QuantizationCases.Weights(Rows, Columns, Seed + stream), Rows, Columns);
            return shape.roll(1, 0).mul(HeldScalar.Of(Magnitude));
        }

        public GroupScales Scales(Tensor weight) => ScaleSearch.Find(weight, Layout, Grid, ScaleMethod.MeanAbsolute);
    }
}
