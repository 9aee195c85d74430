using System.Numerics;
using System.Runtime.InteropServices;

namespace Pique.Numerics.Kernels;

/// <summary>The reference: <see cref="HadamardKernel"/> one line and one value at a time, as the formula is written.</summary>
internal readonly unsafe struct ScalarHadamard<T>(HadamardArguments<T> arguments) : ISlicedWork where T : unmanaged, INumber<T>
{
    private readonly HadamardArguments<T> _arguments = arguments;

    /// <inheritdoc/>
    public void Run(long first, long end)
    {
        long order = _arguments.Order;
        T* line = (T*)NativeMemory.Alloc((nuint)((order + _arguments.LargestMatrix) * sizeof(T)));
        for (long index = first; index < end; index++)
        {
            (long outer, long inner) = Math.DivRem(index, _arguments.Inner);
            T* values = _arguments.Values + (outer * order * _arguments.Inner) + inner;
            for (long i = 0; i < order; i++)
                line[i] = _arguments.Before == null ? values[i * _arguments.Inner] : _arguments.Before[i] * values[i * _arguments.Inner];
            Transform(line, order, line + order);
            for (long i = 0; i < order; i++)
                values[i * _arguments.Inner] = _arguments.After == null ? line[i] : _arguments.After[i] * line[i];
        }

        NativeMemory.Free(line);
    }

    private void Transform(T* line, long order, T* column)
    {
        for (int distance = 1; distance < _arguments.PowerOfTwo; distance *= 2)
        {
            for (long first = 0; first < order; first += 2 * distance)
            {
                for (long i = first; i < first + distance; i++)
                    (line[i], line[i + distance]) = (line[i] + line[i + distance], line[i] - line[i + distance]);
            }
        }

        long stride = _arguments.PowerOfTwo;
        for (int matrix = _arguments.MatrixCount - 1; matrix >= 0; stride *= _arguments.Matrices[matrix].Order, matrix--)
        {
            for (long run = 0; run < order; run += stride * _arguments.Matrices[matrix].Order)
            {
                for (long i = run; i < run + stride; i++)
                    Multiply(_arguments.Matrices[matrix], line + i, stride, column);
            }
        }
    }

    private static void Multiply(SignMatrix<T> matrix, T* values, long stride, T* column)
    {
        for (int row = 0; row < matrix.Order; row++)
            column[row] = values[row * stride];
        for (int row = 0; row < matrix.Order; row++)
        {
            T* signs = matrix.Signs + ((long)row * matrix.Order);
            T sum = signs[0] * column[0];
            for (int i = 1; i < matrix.Order; i++)
                sum += signs[i] * column[i];
            values[row * stride] = sum;
        }
    }
}
