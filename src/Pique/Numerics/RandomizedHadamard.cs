using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>A seeded rotation that spreads every coordinate over all: R = H·diag(±1)/√n, or a random orthogonal matrix at orders without a Hadamard matrix here.</summary>
/// <remarks>QuIP#, Tseng et al. 2024, arXiv:2402.04396, section 3.</remarks>
public sealed class RandomizedHadamard : IDisposable
{
    private RandomizedHadamard(Tensor matrix, bool isHadamard)
    {
        Matrix = matrix;
        IsHadamard = isHadamard;
    }

    /// <summary>The orthogonal matrix, shape [order, order], float64; owned by this object.</summary>
    public Tensor Matrix { get; }

    /// <summary>False where no Hadamard matrix of the order could be built and a random orthogonal matrix stands in.</summary>
    public bool IsHadamard { get; }

    /// <summary>Builds a rotation.</summary>
    /// <param name="order">Rows of the matrix, at least 1.</param>
    /// <param name="seed">Equal seeds give equal rotations.</param>
    public static RandomizedHadamard Create(int order, long seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(order, 1);
        using IDisposable noGradients = no_grad();
        using DisposeScope scope = NewDisposeScope();
        bool isHadamard = HadamardMatrix.CanCreate(order);
        using Generator generator = new(unchecked((ulong)seed), CPU);
        Tensor matrix = isHadamard ? SignedHadamard(order, generator) : RandomOrthogonal(order, generator);
        return new RandomizedHadamard(matrix.DetachFromDisposeScope(), isHadamard);
    }

    /// <inheritdoc/>
    public void Dispose() => Matrix.Dispose();

    private static Tensor SignedHadamard(int order, Generator generator)
    {
        Tensor signs = randint(0, 2, [order], dtype: ScalarType.Float64, generator: generator).mul_(HeldScalar.Of(2)).sub_(HeldScalar.Of(1));
        return tensor(HadamardMatrix.Create(order)).to(ScalarType.Float64).mul_(signs).div_(HeldScalar.Of(Math.Sqrt(order)));
    }

    /// <summary>Q of a Gaussian matrix, its signs fixed by R's diagonal so that it is uniform over the orthogonal group.</summary>
    /// <remarks>Mezzadri 2007, arXiv:math-ph/0609050, section 5.</remarks>
    private static Tensor RandomOrthogonal(int order, Generator generator)
    {
        (Tensor q, Tensor r) = linalg.qr(randn([order, order], dtype: ScalarType.Float64, generator: generator));
        return q.mul(r.diagonal().sign());
    }
}
