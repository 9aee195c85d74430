using Pique.Numerics;
using Pique.Quantization.Frozen;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Adapters;

/// <summary>A low-rank update of one weight: ΔW = (alpha/rank)·B·A (Hu et al. 2021, arXiv:2106.09685, section 4.1).</summary>
public sealed class LoraAdapter : IWeightAdapter, IDisposable
{
    private readonly Parameter _a;
    private readonly Parameter _b;
    private Tensor? _kept;

    /// <summary>Takes trained matrices over.</summary>
    /// <param name="a">A, shape [rank, inFeatures], float32.</param>
    /// <param name="b">B, shape [outFeatures, rank], float32.</param>
    /// <param name="alpha">ΔW is multiplied by alpha/rank.</param>
    public LoraAdapter(Tensor a, Tensor b, float alpha)
    {
        if (a.shape[0] != b.shape[1])
            throw new ArgumentException($"A has {a.shape[0]} rows and B {b.shape[1]} columns, expected the rank in both.", nameof(b));
        _a = (Parameter)new Parameter(a).DetachFromDisposeScope();
        _b = (Parameter)new Parameter(b).DetachFromDisposeScope();
        Alpha = alpha;
    }

    /// <summary>A, shape [rank, inFeatures].</summary>
    public Parameter A => _a;

    /// <summary>B, shape [outFeatures, rank].</summary>
    public Parameter B => _b;

    /// <summary>Width of A and B.</summary>
    public int Rank => (int)_a.shape[0];

    /// <summary>ΔW is multiplied by alpha/rank.</summary>
    public float Alpha { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Trained => [_a, _b];

    private float Factor => Alpha / Rank;

    /// <summary>Makes an adapter that changes nothing yet: A is Kaiming-uniform, in [−1/√inFeatures, 1/√inFeatures), B zero.</summary>
    /// <param name="outFeatures">Rows of the weight.</param>
    /// <param name="inFeatures">Columns of the weight.</param>
    /// <param name="rank">Width of A and B.</param>
    /// <param name="alpha">ΔW is multiplied by alpha/rank.</param>
    /// <param name="random">Draws A.</param>
    /// <remarks>He et al. 2015, arXiv:1502.01852, section 2.2, for a leaky rectifier of slope √5: the bound that Hugging Face's PEFT starts from.</remarks>
    public static LoraAdapter Create(long outFeatures, long inFeatures, int rank, float alpha, SplitMix64 random)
    {
        ArgumentNullException.ThrowIfNull(random);
        double bound = 1 / Math.Sqrt(inFeatures);
        float[] values = new float[checked(rank * inFeatures)];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(((2 * random.NextDouble()) - 1) * bound);
        using DisposeScope scope = NewDisposeScope();
        return new LoraAdapter(tensor(values, [rank, inFeatures]), zeros(outFeatures, rank), alpha);
    }

    /// <summary>Leaves rank components out until <see cref="KeepAll"/>, each with the given probability, and scales the others up by 1/(1 − probability).</summary>
    /// <param name="probability">0 or more and less than 1.</param>
    /// <param name="random">Draws which.</param>
    public void Drop(double probability, SplitMix64 random)
    {
        ArgumentNullException.ThrowIfNull(random);
        KeepAll();
        float[] kept = new float[Rank];
        for (int i = 0; i < kept.Length; i++)
            kept[i] = random.NextDouble() < probability ? 0f : (float)(1 / (1 - probability));
        _kept = tensor(kept, [Rank, 1]).DetachFromDisposeScope();
    }

    /// <summary>Keeps every rank component, as outside training.</summary>
    public void KeepAll()
    {
        _kept?.Dispose();
        _kept = null;
    }

    /// <inheritdoc/>
    public Tensor WeightUpdate()
    {
        using DisposeScope scope = NewDisposeScope();
        return _b.mul(HeldScalar.Of(Factor)).mm(KeptA()).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Gradients(Tensor updateGradient)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor ofA = _b.mul(HeldScalar.Of(Factor)).t().mm(updateGradient);
        if (_kept is not null)
            ofA.mul_(_kept);
        Tensor ofB = updateGradient.mm(KeptA().t()).mul_(HeldScalar.Of(Factor));
        return [ofA.MoveToOuterDisposeScope(), ofB.MoveToOuterDisposeScope()];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        KeepAll();
        _a.Dispose();
        _b.Dispose();
    }

    private Tensor KeptA() => _kept is null ? _a : _a.mul(_kept);
}
