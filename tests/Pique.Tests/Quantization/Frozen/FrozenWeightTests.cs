using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Quantization.Frozen;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Quantization.Frozen;

public class FrozenWeightTests
{
    private const int Rows = 37, Columns = 70;

    public static TheoryData<FrozenStorage?> Storages => [(FrozenStorage?)null, FrozenStorage.Bfloat16, FrozenStorage.Int8];

    [Fact]
    public void Values_are_rounded_once_to_what_holds_them()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = Matrix();
        using FrozenWeight exact = FrozenWeightBuilder.Of(null, weight);
        using FrozenWeight narrow = FrozenWeightBuilder.Of(FrozenStorage.Bfloat16, weight);
        using FrozenWeight packed = FrozenWeightBuilder.Of(FrozenStorage.Int8, weight);

        Assert.Equal(QuantizationCases.Bits(weight), QuantizationCases.Bits(exact.Materialize()));
        Assert.Equal(QuantizationCases.Bits(weight.to(ScalarType.BFloat16).to(ScalarType.Float32)), QuantizationCases.Bits(narrow.Materialize()));
        WeightQuantizationSpec spec = new(8, new QuantGranularity.PerBlock(32), new SteVariant.Standard());
        using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.AbsMax);
        Assert.Equal(QuantizationCases.Bits(quantizer.forward(weight)), QuantizationCases.Bits(packed.Materialize()));
        Assert.Equal((4L * Rows * Columns, 2L * Rows * Columns, Rows * (Columns + (2 * 3))), (exact.StoredBytes, narrow.StoredBytes, packed.StoredBytes));
    }

    [Theory]
    [MemberData(nameof(Storages))]
    public void Rows_read_in_pieces_or_by_index_are_those_of_the_whole(FrozenStorage? storage)
    {
        using DisposeScope scope = NewDisposeScope();
        using FrozenWeight weight = FrozenWeightBuilder.Of(storage, Matrix());
        Tensor whole = weight.Materialize();

        Tensor[] pieces = [.. weight.Pieces(10 * Columns).Select(piece => weight.Materialize(piece.FirstRow, piece.RowCount))];
        Tensor index = tensor(new long[] { 36, 0, 5, 5 });

        Assert.Equal([10, 10, 10, 7], pieces.Select(piece => piece.shape[0]));
        Assert.Equal(QuantizationCases.Bits(whole), QuantizationCases.Bits(cat(pieces)));
        Assert.Equal(QuantizationCases.Bits(whole.index_select(0, index)), QuantizationCases.Bits(weight.SelectRows(index)));
    }

    [Theory]
    [MemberData(nameof(Storages))]
    public void What_is_read_may_be_written_to(FrozenStorage? storage)
    {
        using DisposeScope scope = NewDisposeScope();
        using FrozenWeight weight = FrozenWeightBuilder.Of(storage, Matrix());
        int[] before = QuantizationCases.Bits(weight.Materialize());

        weight.Materialize().zero_();
        weight.SelectRows(tensor(new long[] { 3 })).zero_();

        Assert.Equal(before, QuantizationCases.Bits(weight.Materialize()));
    }

    [Theory]
    [MemberData(nameof(Storages))]
    public void A_weight_built_piece_by_piece_equals_one_built_at_once(FrozenStorage? storage)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = Matrix();
        using FrozenWeight whole = FrozenWeightBuilder.Of(storage, weight);
        using FrozenWeightBuilder builder = new(storage, Rows, Columns);
        builder.Append(weight.narrow(0, 0, 30));
        Assert.Throws<InvalidOperationException>(() => builder.Finish());
        builder.Append(weight.narrow(0, 30, 7));
        using FrozenWeight joined = builder.Finish();

        Assert.Equal(QuantizationCases.Bits(whole.Materialize()), QuantizationCases.Bits(joined.Materialize()));
        Assert.Equal(whole.StoredBytes, joined.StoredBytes);
    }

    [Fact]
    public void A_weight_rounded_in_pieces_is_the_one_rounded_whole()
    {
        using DisposeScope scope = NewDisposeScope();
        // More than one piece: 3 times 2²² weights and some.
        const long Many = 12_300, Width = 1024;
        manual_seed(3);
        Tensor weight = randn(Many, Width);
        using FrozenWeight frozen = FrozenWeightBuilder.Of(null, weight);
        foreach (QuantGranularity granularity in (QuantGranularity[])[new QuantGranularity.PerChannel(), new QuantGranularity.PerTensor(), new QuantGranularity.PerBlock(32)])
        {
            WeightQuantizationSpec spec = new(3, granularity, new SteVariant.LearnedStepSize()) { TwoLevelScales = granularity is QuantGranularity.PerBlock };
            using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.AbsMax);
            QuantizedTensor expected = quantizer.Quantize(weight);

            QuantizedTensor actual = FrozenRounding.Quantize("layer", frozen, spec, ScaleMethod.AbsMax);

            Assert.True(expected.PackedCodes.Span.SequenceEqual(actual.PackedCodes.Span), granularity.ToString());
            Assert.True(expected.Scales.Span.SequenceEqual(actual.Scales.Span), granularity.ToString());
            Assert.Equal(expected.SubScales?.ToArray(), actual.SubScales?.ToArray());
        }
    }

    [Fact]
    public void A_weight_packed_on_the_grid_asked_for_is_not_rounded_again()
    {
        using DisposeScope scope = NewDisposeScope();
        using FrozenWeight packed = FrozenWeightBuilder.Of(FrozenStorage.Int8, Matrix());
        WeightQuantizationSpec same = new(8, new QuantGranularity.PerBlock(32), new SteVariant.LearnedStepSize());

        Assert.Same(((PackedWeight)packed).Tensor, FrozenRounding.Quantize("layer", packed, same, ScaleMethod.MinimumError));
        Assert.NotSame(((PackedWeight)packed).Tensor, FrozenRounding.Quantize("layer", packed, same with { Bits = 5 }, ScaleMethod.MinimumError));
    }

    private static Tensor Matrix() => QuantizationCases.Matrix(QuantizationCases.Weights(Rows, Columns, seed: 4), Rows, Columns);
}
