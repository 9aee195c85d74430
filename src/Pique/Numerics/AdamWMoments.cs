using Pique.Configuration;
using Pique.Numerics.Kernels;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>Both moments of one parameter, zero at first: float32 values, or 8-bit codes with a scale for each block.</summary>
internal sealed class AdamWMoments : IDisposable
{
    /// <summary>Values below which a parameter keeps float32 moments whatever is chosen: there is little to save, and scales and gains are sensitive. The limit of Dettmers et al. 2022.</summary>
    public const long LeastCodedValues = 4096;

    private AdamWMoments(Tensor first, Tensor second, Tensor? firstScales, Tensor? secondScales)
    {
        First = first.DetachFromDisposeScope();
        Second = second.DetachFromDisposeScope();
        FirstScales = firstScales?.DetachFromDisposeScope();
        SecondScales = secondScales?.DetachFromDisposeScope();
    }

    /// <summary>First moments in float32, or their codes, of the parameter's shape.</summary>
    public Tensor First { get; }

    /// <summary>Second moments in float32, or their codes.</summary>
    public Tensor Second { get; }

    /// <summary>Scales of the first moments' blocks; null where they are float32.</summary>
    public Tensor? FirstScales { get; }

    /// <summary>Scales of the second moments' blocks; null where they are float32.</summary>
    public Tensor? SecondScales { get; }

    /// <summary>Whether the moments are codes.</summary>
    public bool IsCoded => FirstScales is not null;

    /// <summary>Makes the moments of a parameter.</summary>
    /// <param name="weight">The parameter. Codes need it contiguous and on the CPU; elsewhere its moments stay float32.</param>
    /// <param name="states">How large parameters' moments are held.</param>
    public static AdamWMoments Create(Tensor weight, OptimizerStates states)
    {
        using IDisposable guard = no_grad();
        if (states == OptimizerStates.Int8 && weight.numel() >= LeastCodedValues && AdamWUpdate.IsAccessible(weight))
        {
            long blocks = MomentCodes.BlockCount(weight.numel());
            return new(
                full(weight.shape, HeldScalar.Of((int)MomentCodes.FirstZero), ScalarType.Byte), zeros(weight.shape, ScalarType.Byte), zeros(blocks), zeros(blocks));
        }

        return new(zeros_like(weight, ScalarType.Float32, requires_grad: false), zeros_like(weight, ScalarType.Float32, requires_grad: false), null, null);
    }

    /// <summary>Everything of the moments, by name.</summary>
    /// <param name="parameter">Name of the parameter.</param>
    public IEnumerable<(string Name, Tensor Value)> Named(string parameter)
    {
        yield return ($"first_moment.{parameter}", First);
        yield return ($"second_moment.{parameter}", Second);
        if (FirstScales is not null)
            yield return ($"first_moment_scale.{parameter}", FirstScales);
        if (SecondScales is not null)
            yield return ($"second_moment_scale.{parameter}", SecondScales);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        First.Dispose();
        Second.Dispose();
        FirstScales?.Dispose();
        SecondScales?.Dispose();
    }
}
