namespace Pique.Numerics.Kernels;

/// <summary>A matrix of ±1.</summary>
internal unsafe struct SignMatrix<T> where T : unmanaged
{
    /// <summary>Rows, a multiple of 4.</summary>
    public int Order;

    /// <summary>Entries, row by row.</summary>
    public T* Signs;
}

/// <summary>Shape and memory of a Hadamard transform: values are [outer, order, inner], lines run along order.</summary>
/// <remarks>y = after ⊙ (K₁ ⊗ … ⊗ Kₘ ⊗ S)·(before ⊙ x), where the K are matrices of ±1 and S is Sylvester's of a power of two.</remarks>
/// <typeparam name="T">float or double.</typeparam>
internal unsafe struct HadamardArguments<T> where T : unmanaged
{
    /// <summary>The values, transformed in place.</summary>
    public T* Values;

    /// <summary>Blocks of order · inner values.</summary>
    public long Outer;

    /// <summary>Lines that lie side by side; 1 where lines are contiguous.</summary>
    public long Inner;

    /// <summary>Order of Sylvester's matrix.</summary>
    public int PowerOfTwo;

    /// <summary>The matrices of ±1.</summary>
    public SignMatrix<T>* Matrices;

    /// <summary>Their number.</summary>
    public int MatrixCount;

    /// <summary>What each place of a line is multiplied by first; null for nothing.</summary>
    public T* Before;

    /// <summary>What each place of a line is multiplied by last; null for nothing.</summary>
    public T* After;

    /// <summary>Values of a line.</summary>
    public readonly long Order
    {
        get
        {
            long order = PowerOfTwo;
            for (int matrix = 0; matrix < MatrixCount; matrix++)
                order *= Matrices[matrix].Order;
            return order;
        }
    }

    /// <summary>Largest order of a matrix of ±1; 0 for none.</summary>
    public readonly int LargestMatrix
    {
        get
        {
            int largest = 0;
            for (int matrix = 0; matrix < MatrixCount; matrix++)
                largest = Math.Max(largest, Matrices[matrix].Order);
            return largest;
        }
    }
}
