namespace Pique.Tests.Numerics;

/// <summary>Second-order rounding written down as plainly as can be, in float64: the inverse is explicit, and reduced after each column.</summary>
/// <remarks>Optimal Brain Quantization with a fixed order of columns: Frantar and Alistarh 2022, arXiv:2208.11580, equations 2 and 4; arXiv:2210.17323, section 3.</remarks>
internal static class OptimalBrainQuantization
{
    public static double[,] Round(double[,] weight, double[,] secondMoment, double damping, bool descending, Func<int, int, double, double> nearest)
    {
        (int rows, int columns) = (weight.GetLength(0), weight.GetLength(1));
        double mean = Enumerable.Range(0, columns).Average(column => secondMoment[column, column]);
        double[,] damped = (double[,])secondMoment.Clone();
        for (int column = 0; column < columns; column++)
            damped[column, column] += damping * mean;
        double[,] inverse = Invert(damped);
        double[,] rest = (double[,])weight.Clone();
        double[,] rounded = new double[rows, columns];
        List<int> left = [.. Enumerable.Range(0, columns).OrderBy(column => descending ? -secondMoment[column, column] : column)];
        while (left.Count > 0)
        {
            int column = left[0];
            left.RemoveAt(0);
            for (int row = 0; row < rows; row++)
            {
                rounded[row, column] = nearest(row, column, rest[row, column]);
                double error = (rest[row, column] - rounded[row, column]) / inverse[column, column];
                foreach (int other in left)
                    rest[row, other] -= error * inverse[column, other];
            }

            double[,] reduced = (double[,])inverse.Clone();
            foreach (int first in left)
            {
                foreach (int second in left)
                    reduced[first, second] -= inverse[first, column] * inverse[column, second] / inverse[column, column];
            }

            inverse = reduced;
        }

        return rounded;
    }

    /// <summary>Gauss and Jordan, with the largest pivot of each column.</summary>
    private static double[,] Invert(double[,] matrix)
    {
        int order = matrix.GetLength(0);
        double[][] work = [.. Enumerable.Range(0, order).Select(row => Enumerable.Range(0, 2 * order).Select(column => column < order ? matrix[row, column] : column - order == row ? 1.0 : 0.0).ToArray())];
        for (int pivot = 0; pivot < order; pivot++)
        {
            int largest = Enumerable.Range(pivot, order - pivot).MaxBy(row => Math.Abs(work[row][pivot]));
            (work[pivot], work[largest]) = (work[largest], work[pivot]);
            double by = work[pivot][pivot];
            work[pivot] = [.. work[pivot].Select(value => value / by)];
            for (int row = 0; row < order; row++)
            {
                if (row != pivot)
                    work[row] = [.. work[row].Zip(work[pivot], (value, other) => value - (work[row][pivot] * other))];
            }
        }

        double[,] inverse = new double[order, order];
        for (int i = 0; i < order * order; i++)
            inverse[i / order, i % order] = work[i / order][order + (i % order)];
        return inverse;
    }
}
