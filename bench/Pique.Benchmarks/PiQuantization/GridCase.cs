using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Benchmarks.PiQuantization;

/// <summary>A way to choose the grid of every channel from its weights.</summary>
/// <param name="Name">What the row is called.</param>
/// <param name="PiK">k of the pi grid; null for the uniform grid.</param>
/// <param name="Steps">Steps from a weight, shape [rows, 1], float16-exact.</param>
internal sealed record GridCase(string Name, int? PiK, Func<Tensor, GroupLayout, Tensor> Steps)
{
    private static readonly int[] PiKs = [2, 3, 4, 5];

    /// <summary>Whether k is chosen for every channel.</summary>
    public bool PiKPerChannel { get; init; }

    /// <summary>Every case of a grid: those of fixed scale, then those of the best.</summary>
    /// <param name="grid">The codes.</param>
    /// <param name="presetK">k whose α is searched.</param>
    /// <param name="weights">All weights under study, for the multiplier that they share.</param>
    public static IEnumerable<GridCase> All(CodeGrid grid, int presetK, IReadOnlyList<(Tensor Weight, GroupLayout Layout)> weights)
    {
        foreach ((string start, ScaleMethod method) in new[] { ("covering", ScaleMethod.AbsMax), ("LSQ's first", ScaleMethod.MeanAbsolute) })
        {
            yield return new($"uniform, s = {start}", null, (weight, layout) => Start(weight, layout, method));
            foreach (int k in PiKs)
                yield return new($"pi k {k}, α = {start}", k, (weight, layout) => StepSearch.Step(Start(weight, layout, method), Math.PI / k));
        }

        yield return new("pi, k per channel, α = covering", presetK, (weight, layout) => ScaleSearch.FindPiK(weight, layout, grid).Steps.Scales) { PiKPerChannel = true };
        double multiplier = SharedMultiplier(grid, weights);
        yield return new(FormattableString.Invariant($"uniform, s = {multiplier:F2} × covering"), null, (weight, layout) => StepSearch.Step(Start(weight, layout, ScaleMethod.AbsMax), multiplier));
        yield return new("uniform, s searched by the library", null, (weight, layout) => Start(weight, layout, ScaleMethod.MinimumError));
        yield return new("uniform, s searched", null, (weight, layout) => StepSearch.Find(weight, layout, grid, 1));
        yield return new($"pi k {presetK}, α searched", presetK, (weight, layout) => StepSearch.Find(weight, layout, grid, Math.PI / presetK));

        Tensor Start(Tensor weight, GroupLayout layout, ScaleMethod method) => ScaleSearch.Find(weight, layout, grid, method).Scales;
    }

    /// <summary>The multiple of the covering scale, in hundredths and one for all channels, of least squared error.</summary>
    private static double SharedMultiplier(CodeGrid grid, IReadOnlyList<(Tensor Weight, GroupLayout Layout)> weights)
    {
        using DisposeScope scope = NewDisposeScope();
        var coverings = weights.Select(of => (of.Weight, of.Layout, Scales: ScaleSearch.Find(of.Weight, of.Layout, grid, ScaleMethod.AbsMax).Scales)).ToList();
        return Enumerable.Range(10, 151).Select(percent => percent / 100.0).MinBy(multiplier => coverings.Sum(of =>
        {
            using DisposeScope candidate = NewDisposeScope();
            return StepSearch.ChannelError(of.Weight, of.Layout, grid, StepSearch.Step(of.Scales, multiplier)).sum().item<double>();
        }));
    }
}
