using Pique.Configuration;
using Pique.Numerics;
using Pique.Tests.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public sealed class SecondOrderRoundingTests
{
    private const double Damping = 0.01;

    public static TheoryData<string, GridKind, int, int, int, bool> Cases => new(
        from granularity in new[] { "tensor", "row", "block 4", "block 16" }
        from kind in Enum.GetValues<GridKind>()
        from bits in new[] { 2, 4 }
        from columns in new[] { 10, 150 } // Within one block of columns, and across two.
        from activationOrder in new[] { false, true }
        select (granularity, kind, bits, 6, columns, activationOrder));

    /// <summary>The reference is <see cref="OptimalBrainQuantization"/>, plain float64 with an explicit inverse that is reduced column by column.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Rounded_weights_are_those_of_the_plain_method(string granularity, GridKind kind, int bits, int rows, int columns, bool activationOrder)
    {
        using DisposeScope scope = NewDisposeScope();
        GroupLayout layout = GroupLayout.For(GranularityOf(granularity), rows, columns);
        CodeGrid grid = new(bits, kind);
        Tensor weight = Weights(rows, columns);
        Tensor moment = SecondMoment(columns, seed: 2);
        GroupScales scales = ScaleSearch.Find(weight, layout, grid, ScaleMethod.MinimumError);

        Tensor latent = SecondOrderRounding.Round(weight, moment, layout, grid, scales, Damping, activationOrder);

        double[,] expected = OptimalBrainQuantization.Round(
            Matrix(weight.to(ScalarType.Float64)), Matrix(moment), Damping, activationOrder, (row, column, value) => Level(value, (row * columns) + column, layout, grid, scales).Rounded);
        float[] found = latent.data<float>().ToArray();
        for (int i = 0; i < found.Length; i++)
            Assert.Equal(expected[i / columns, i % columns], Level(found[i], i, layout, grid, scales).Rounded, 1e-6);
    }

    [Fact]
    public void Every_form_of_the_kernel_gives_the_same_bits()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = Weights(40, 150);
        GroupLayout layout = GroupLayout.For(new QuantGranularity.PerBlock(16), 40, 150);
        CodeGrid grid = new(3, GridKind.Affine);
        GroupScales scales = ScaleSearch.Find(weight, layout, grid, ScaleMethod.MinimumError);
        int[][] bits = [.. ErrorFeedbackForms.Run(weight, SecondMoment(150, seed: 3), layout, grid, scales)];

        Assert.Equal(4, bits.Length);
        Assert.All(bits, form => Assert.Equal(bits[0], form));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_output_changes_less_than_by_rounding_to_nearest(int bits)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = Weights(32, 64);
        Tensor moment = SecondMoment(64, seed: 4);
        GroupLayout layout = GroupLayout.For(new QuantGranularity.PerChannel(), 32, 64);
        CodeGrid grid = new(bits, GridKind.TwosComplement);
        GroupScales scales = ScaleSearch.Find(weight, layout, grid, ScaleMethod.MinimumError);

        Tensor latent = SecondOrderRounding.Round(weight, moment, layout, grid, scales, Damping, activationOrder: false);

        (double nearest, double output) = SecondOrderRounding.OutputError(weight, GridArithmetic.FakeQuantize(weight, layout, scales.Scales, null, grid), moment);
        (double second, _) = SecondOrderRounding.OutputError(weight, GridArithmetic.FakeQuantize(latent, layout, scales.Scales, null, grid), moment);
        Assert.InRange(nearest, 1e-6 * output, output);
        Assert.InRange(second, 0, 0.8 * nearest);
    }

    [Fact]
    public void The_output_error_is_that_of_the_inputs()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = Weights(5, 7).to(ScalarType.Float32);
        Tensor rounded = weight.round();
        Tensor inputs = randn([50, 7], dtype: ScalarType.Float64, generator: new Generator(5));
        Tensor moment = inputs.t().matmul(inputs).div(50);

        (double error, double output) = SecondOrderRounding.OutputError(weight, rounded, moment);

        Tensor exact = inputs.matmul(weight.to(ScalarType.Float64).t());
        Tensor changed = inputs.matmul(rounded.to(ScalarType.Float64).t());
        Assert.Equal(exact.sub(changed).Squared().sum(1).mean().item<double>(), error, 1e-9);
        Assert.Equal(exact.Squared().sum(1).mean().item<double>(), output, 1e-9);
    }

    [Fact]
    public void Uncorrelated_inputs_leave_rounding_to_nearest()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = Weights(6, 20);
        GroupLayout layout = GroupLayout.For(new QuantGranularity.PerChannel(), 6, 20);
        CodeGrid grid = new(3, GridKind.TwosComplement);
        GroupScales scales = ScaleSearch.Find(weight, layout, grid, ScaleMethod.MinimumError);
        Tensor latent = SecondOrderRounding.Round(weight, eye(20, dtype: ScalarType.Float64), layout, grid, scales, Damping, activationOrder: false);
        Assert.Equal(QuantizationCases.Bits(weight), QuantizationCases.Bits(latent));
    }

    [Fact]
    public void Inputs_that_are_all_zero_leave_the_weights_alone()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = Weights(6, 20);
        GroupLayout layout = GroupLayout.For(new QuantGranularity.PerChannel(), 6, 20);
        CodeGrid grid = new(3, GridKind.TwosComplement);
        GroupScales scales = ScaleSearch.Find(weight, layout, grid, ScaleMethod.MinimumError);
        Tensor latent = SecondOrderRounding.Round(weight, zeros(20, 20, dtype: ScalarType.Float64), layout, grid, scales, Damping, activationOrder: true);
        Assert.Equal(QuantizationCases.Bits(weight), QuantizationCases.Bits(latent));
    }

    [Fact]
    public void Inputs_of_low_rank_are_damped_until_they_can_be_factored()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = Weights(6, 20);
        Tensor direction = ones([20, 1], dtype: ScalarType.Float64);
        GroupLayout layout = GroupLayout.For(new QuantGranularity.PerChannel(), 6, 20);
        CodeGrid grid = new(4, GridKind.TwosComplement);
        GroupScales scales = ScaleSearch.Find(weight, layout, grid, ScaleMethod.MinimumError);
        Tensor latent = SecondOrderRounding.Round(weight, direction.matmul(direction.t()), layout, grid, scales, 1e-18, activationOrder: false);
        Assert.True(latent.isfinite().all().item<bool>());
        (double nearest, _) = SecondOrderRounding.OutputError(weight, GridArithmetic.FakeQuantize(weight, layout, scales.Scales, null, grid), direction.matmul(direction.t()));
        (double second, _) = SecondOrderRounding.OutputError(weight, GridArithmetic.FakeQuantize(latent, layout, scales.Scales, null, grid), direction.matmul(direction.t()));
        Assert.InRange(second, 0, 0.5 * nearest);
    }

    private static QuantGranularity GranularityOf(string name) => name switch
    {
        "tensor" => new QuantGranularity.PerTensor(),
        "row" => new QuantGranularity.PerChannel(),
        _ => new QuantGranularity.PerBlock(int.Parse(name.AsSpan(6), System.Globalization.CultureInfo.InvariantCulture)),
    };

    private static (double Rounded, int Code) Level(double value, int index, GroupLayout layout, CodeGrid grid, GroupScales scales)
    {
        long group = layout.GroupOf(index);
        double scale = scales.Scales.view(-1)[group].item<float>();
        double zeroPoint = scales.ZeroPoints is { } zeros ? zeros.view(-1)[group].item<float>() : grid.SymmetricZeroPoint;
        double code = Math.Clamp(Math.Round((value / scale) - grid.Offset) + zeroPoint, 0, grid.MaxCode);
        return ((code - zeroPoint + grid.Offset) * scale, (int)code);
    }

    private static Tensor Weights(int rows, int columns) => randn([rows, columns], generator: new Generator(1));

    /// <summary>Of inputs that lean strongly on one another.</summary>
    private static Tensor SecondMoment(int columns, ulong seed)
    {
        using DisposeScope scope = NewDisposeScope();
        Generator generator = new(seed);
        Tensor mixing = randn([columns, columns], dtype: ScalarType.Float64, generator: generator).add_(eye(columns, dtype: ScalarType.Float64));
        Tensor inputs = randn([4 * columns, columns], dtype: ScalarType.Float64, generator: generator).matmul(mixing);
        return inputs.t().matmul(inputs).div(4 * columns).MoveToOuterDisposeScope();
    }

    private static double[,] Matrix(Tensor tensor)
    {
        double[,] matrix = new double[tensor.shape[0], tensor.shape[1]];
        double[] values = tensor.contiguous().data<double>().ToArray();
        for (int i = 0; i < values.Length; i++)
            matrix[i / matrix.GetLength(1), i % matrix.GetLength(1)] = values[i];
        return matrix;
    }
}
