using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Quantization;

public sealed class GridTextTests
{
    /// <summary>Every grid, what it is called in training, and what it is called once packed: k is not kept where every channel has its own.</summary>
    public static TheoryData<GridKind, bool, int?, bool, string, string> Grids => new()
    {
        { GridKind.TwosComplement, false, null, false, "two's complement", "two's complement" },
        { GridKind.Affine, false, null, false, "affine", "affine" },
        { GridKind.HalfInteger, false, null, false, "half-integer", "half-integer" },
        { GridKind.TwosComplement, true, null, false, "two-level 256/16", "two-level 256/16" },
        { GridKind.TwosComplement, false, 4, false, "pi-scaled (k = 4)", "pi/4" },
        { GridKind.TwosComplement, false, 4, true, "pi-scaled (k per channel)", "two's complement" },
        { GridKind.HalfInteger, false, 3, false, "half-integer, pi-scaled (k = 3)", "half-integer, pi/3" },
        { GridKind.TwosComplement, true, 3, true, "two-level 256/16, pi-scaled (k per channel)", "two-level 256/16" },
    };

    [Theory]
    [MemberData(nameof(Grids))]
    public void A_grid_is_called_what_it_is(GridKind kind, bool twoLevelScales, int? piK, bool piKPerChannel, string trained, string held)
    {
        using DisposeScope scope = NewDisposeScope();
        WeightQuantizationSpec spec = new(3, new QuantGranularity.PerBlock(16), new SteVariant.LearnedStepSize(), piK, kind) { TwoLevelScales = twoLevelScales, PiKPerChannel = piKPerChannel };
        Tensor weight = QuantizationCases.Matrix(QuantizationCases.Weights(4, 40, seed: 2), 4, 40);
        using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.AbsMax);

        Assert.Equal((trained, held), (GridText.Of(spec), GridText.Of(quantizer.Quantize(weight))));
    }
}
