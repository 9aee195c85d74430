using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>A seeded rotation that spreads every coordinate over all: R = H·diag(±1)/√n, or a random orthogonal matrix at orders without a Hadamard matrix here.</summary>
/// <remarks>QuIP#, Tseng et al. 2024, arXiv:2402.04396, section 3. Only the signs are held, n of them, unless the rotation is a random orthogonal matrix.</remarks>
public sealed class RandomizedHadamard : IDisposable
{
    private readonly HadamardTransform? _transform;
    private readonly double[] _signs;
    private readonly Tensor? _orthogonal;

    private RandomizedHadamard(int order, HadamardTransform? transform, double[] signs, Tensor? orthogonal)
    {
        Order = order;
        _transform = transform;
        _signs = signs;
        _orthogonal = orthogonal;
    }

    /// <summary>Length of a vector that is turned.</summary>
    public int Order { get; }

    /// <summary>False where no Hadamard matrix of the order could be built and a random orthogonal matrix stands in.</summary>
    public bool IsHadamard => _transform is not null;

    /// <summary>Builds a rotation.</summary>
    /// <param name="order">Length of a vector that is turned, at least 1.</param>
    /// <param name="seed">Equal seeds give equal rotations.</param>
    public static RandomizedHadamard Create(int order, long seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(order, 1);
        using IDisposable noGradients = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = new(unchecked((ulong)seed), CPU);
        return HadamardMatrix.CanCreate(order)
            ? new RandomizedHadamard(order, HadamardTransform.Create(order), Signs(order, generator), null)
            : new RandomizedHadamard(order, null, [], RandomOrthogonal(order, generator).DetachFromDisposeScope());
    }

    /// <summary>x → R·x for every line of a tensor, in place. Along the last dimension of X this is X·Rᵀ, along the first of a matrix R·X.</summary>
    /// <param name="values">float32 or float64; lines run along one dimension, of length <see cref="Order"/>.</param>
    /// <param name="dimension">That dimension, from the end where negative.</param>
    /// <exception cref="ArgumentException">The tensor has another dtype or length.</exception>
    public void Apply(Tensor values, int dimension = -1) => Apply(values, dimension, inverse: false);

    /// <summary>x → Rᵀ·x, which undoes <see cref="Apply(Tensor, int)"/>.</summary>
    /// <param name="values">float32 or float64; lines run along one dimension, of length <see cref="Order"/>.</param>
    /// <param name="dimension">That dimension, from the end where negative.</param>
    /// <exception cref="ArgumentException">The tensor has another dtype or length.</exception>
    public void ApplyInverse(Tensor values, int dimension = -1) => Apply(values, dimension, inverse: true);

    /// <summary>The matrix R itself, shape [order, order], float64; to look at, not to multiply by.</summary>
    public Tensor ToMatrix()
    {
        Tensor matrix = eye(Order, dtype: ScalarType.Float64);
        Apply(matrix, 0);
        return matrix;
    }

    /// <inheritdoc/>
    public void Dispose() => _orthogonal?.Dispose();

    private void Apply(Tensor values, int dimension, bool inverse)
    {
        if (_transform is not null)
        {
            _transform.Apply(values, dimension, inverse, inverse ? null : _signs, inverse ? _signs : null);
            return;
        }

        HadamardTransform.LinesAlong(values, dimension, Order);
        using IDisposable noGradients = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor matrix = _orthogonal!.to(values.dtype, values.device);
        Tensor lines = values.transpose(dimension, -1);
        values.copy_(lines.matmul(inverse ? matrix : matrix.t()).transpose(dimension, -1));
    }

    /// <summary>±1/√n: the signs, and what makes H orthogonal.</summary>
    private static double[] Signs(int order, Generator generator)
    {
        Tensor signs = randint(0, 2, [order], dtype: ScalarType.Float64, generator: generator).mul_(HeldScalar.Of(2)).sub_(HeldScalar.Of(1));
        return [.. signs.div_(HeldScalar.Of(Math.Sqrt(order))).data<double>()];
    }

    /// <summary>Q of a Gaussian matrix, its signs fixed by R's diagonal so that it is uniform over the orthogonal group.</summary>
    /// <remarks>Mezzadri 2007, arXiv:math-ph/0609050, section 5.</remarks>
    private static Tensor RandomOrthogonal(int order, Generator generator)
    {
        (Tensor q, Tensor r) = linalg.qr(randn([order, order], dtype: ScalarType.Float64, generator: generator));
        return q.mul(r.diagonal().sign());
    }
}
