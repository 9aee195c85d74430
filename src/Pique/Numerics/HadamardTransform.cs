using System.Numerics;
using Pique.Numerics.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>Multiplies lines of a tensor by a Hadamard matrix without building it: y = H·x in place, n·log₂n additions at powers of two.</summary>
/// <remarks>
/// H is the matrix of <see cref="HadamardMatrix.Create"/>, not normalized: H·Hᵀ = n·I. A Kronecker product is applied factor by factor,
/// Sylvester's power of two by the fast Walsh–Hadamard transform (Fino and Algazi 1976, IEEE Trans. Comput. C-25), the others by additions and subtractions.
/// On the CPU every form of the kernel adds in the same order, so results are the same bits on any processor and any number of threads.
/// </remarks>
public sealed class HadamardTransform
{
    private readonly HadamardFactors _factors;
    private readonly sbyte[][,] _matrices;

    private HadamardTransform(int order, HadamardFactors factors)
    {
        Order = order;
        _factors = factors;
        _matrices = [.. factors.Cores.Select(HadamardMatrix.CreateCore)];
    }

    /// <summary>Values of a line.</summary>
    public int Order { get; }

    /// <summary>Orders of the factors of H, leftmost first; the last is the power of two.</summary>
    public IReadOnlyList<int> Factors => [.. _factors.Cores, _factors.PowerOfTwo];

    /// <summary>Plans a transform, and builds and verifies the matrices it needs.</summary>
    /// <param name="order">Values of a line, at least 1.</param>
    /// <exception cref="ArgumentException">The order cannot be built; see <see cref="HadamardMatrix.CanCreate"/>.</exception>
    public static HadamardTransform Create(int order) => new(order, HadamardFactors.Of(order));

    /// <summary>Transforms every line of a tensor in place.</summary>
    /// <param name="values">float32 or float64; lines run along one dimension, of length <see cref="Order"/>.</param>
    /// <param name="dimension">That dimension, from the end where negative.</param>
    /// <param name="transposed">Multiply by Hᵀ instead, which differs from H where a factor is no power of two.</param>
    /// <exception cref="ArgumentException">The tensor has another dtype or length.</exception>
    public void Apply(Tensor values, int dimension = -1, bool transposed = false) => Apply(values, dimension, transposed, null, null);

    /// <summary>y = after ⊙ H·(before ⊙ x), or with Hᵀ.</summary>
    internal void Apply(Tensor values, int dimension, bool transposed, double[]? before, double[]? after, KernelForm? form = null)
    {
        (long outer, long inner) = LinesAlong(values, dimension, Order);
        using IDisposable noGradient = no_grad();
        if (values.device_type != DeviceType.CPU)
        {
            PlainHadamard.Apply(values, (outer, inner), _factors.PowerOfTwo, _matrices, transposed, before, after);
            return;
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor contiguous = values.is_contiguous() ? values : values.contiguous();
        if (values.dtype == ScalarType.Float32)
            Run<float>(contiguous, outer, inner, transposed, before, after, form ?? KernelForms.Best);
        else
            Run<double>(contiguous, outer, inner, transposed, before, after, form ?? KernelForms.Best);
        if (!ReferenceEquals(contiguous, values))
            values.copy_(contiguous);
    }

    /// <summary>What lies around a dimension: [outer, order, inner].</summary>
    /// <exception cref="ArgumentException">The tensor has another dtype or length.</exception>
    internal static (long Outer, long Inner) LinesAlong(Tensor values, int dimension, int order)
    {
        long[] shape = values.shape;
        int along = dimension < 0 ? dimension + shape.Length : dimension;
        if (along < 0 || along >= shape.Length || shape[along] != order)
            throw new ArgumentException($"Found shape [{string.Join(", ", shape)}], expected dimension {dimension} of length {order}.", nameof(values));
        if (values.dtype is not (ScalarType.Float32 or ScalarType.Float64))
            throw new ArgumentException($"Found {values.dtype}, expected Float32 or Float64.", nameof(values));
        return (Product(shape.AsSpan(0, along)), Product(shape.AsSpan(along + 1)));
    }

    private unsafe void Run<T>(Tensor values, long outer, long inner, bool transposed, double[]? before, double[]? after, KernelForm form) where T : unmanaged, INumber<T>
    {
        if (values.numel() == 0)
            return;
        T[] signs = Signs<T>(transposed);
        T[]? first = Converted<T>(before), last = Converted<T>(after);
        SignMatrix<T>* matrices = stackalloc SignMatrix<T>[_matrices.Length];
        fixed (T* entries = signs, firstPointer = first, lastPointer = last)
        {
            long offset = 0;
            for (int matrix = 0; matrix < _matrices.Length; matrix++)
            {
                int order = _factors.Cores[matrix];
                matrices[matrix] = new SignMatrix<T> { Order = order, Signs = entries + offset };
                offset += (long)order * order;
            }

            HadamardKernel.Run(
                new HadamardArguments<T>
                {
                    Values = TensorPointer.Of<T>(values),
                    Outer = outer,
                    Inner = inner,
                    PowerOfTwo = _factors.PowerOfTwo,
                    Matrices = matrices,
                    MatrixCount = _matrices.Length,
                    Before = firstPointer,
                    After = lastPointer,
                },
                form);
        }
    }

    private T[] Signs<T>(bool transposed) where T : unmanaged, INumber<T>
    {
        T[] signs = new T[_matrices.Sum(matrix => (long)matrix.Length)];
        long next = 0;
        foreach (sbyte[,] matrix in _matrices)
        {
            int order = matrix.GetLength(0);
            for (int row = 0; row < order; row++)
            {
                for (int column = 0; column < order; column++)
                    signs[next++] = T.CreateTruncating(transposed ? matrix[column, row] : matrix[row, column]);
            }
        }

        return signs;
    }

    private static T[]? Converted<T>(double[]? values) where T : unmanaged, INumber<T> =>
        values is null ? null : Array.ConvertAll(values, T.CreateTruncating);

    private static long Product(ReadOnlySpan<long> lengths)
    {
        long product = 1;
        foreach (long length in lengths)
            product *= length;
        return product;
    }
}
