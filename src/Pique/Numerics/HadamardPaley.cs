namespace Pique.Numerics;

/// <summary>Hadamard matrices from squares in a finite field.</summary>
/// <remarks>Paley 1933, "On orthogonal matrices", J. Math. Phys. 12.</remarks>
internal static class HadamardPaley
{
    /// <summary>Whether a prime power gives this order by either construction.</summary>
    public static bool CanCreate(int order) => IsFirst(order) || IsSecond(order);

    /// <summary>Builds a matrix of an order that <see cref="CanCreate"/> accepts.</summary>
    public static sbyte[,] Create(int order) => IsFirst(order) ? First(order) : Second(order);

    private static bool IsFirst(int order) => (order - 1) % 4 == 3 && FiniteField.Exists(order - 1);

    private static bool IsSecond(int order) => order % 2 == 0 && (order / 2 - 1) % 4 == 1 && FiniteField.Exists(order / 2 - 1);

    /// <summary>I + S, where S borders the Jacobsthal matrix with 1 above and −1 at the left and is skew.</summary>
    private static sbyte[,] First(int order)
    {
        sbyte[,] matrix = Bordered(order - 1, leftBorder: -1);
        for (int index = 0; index < order; index++)
            matrix[index, index] = 1;
        return matrix;
    }

    /// <summary>The symmetric bordered matrix C ⊗ [1 1; 1 −1] + I ⊗ [1 −1; −1 −1].</summary>
    private static sbyte[,] Second(int order)
    {
        sbyte[,] conference = Bordered(order / 2 - 1, leftBorder: 1);
        sbyte[,] matrix = new sbyte[order, order];
        for (int row = 0; row < order / 2; row++)
        {
            for (int column = 0; column < order / 2; column++)
            {
                sbyte entry = conference[row, column];
                bool isDiagonal = row == column;
                matrix[2 * row, 2 * column] = isDiagonal ? (sbyte)1 : entry;
                matrix[2 * row, 2 * column + 1] = isDiagonal ? (sbyte)-1 : entry;
                matrix[2 * row + 1, 2 * column] = isDiagonal ? (sbyte)-1 : entry;
                matrix[2 * row + 1, 2 * column + 1] = isDiagonal ? (sbyte)-1 : (sbyte)-entry;
            }
        }

        return matrix;
    }

    /// <summary>Zero diagonal; Q[a, b] = χ(a − b) bordered by ones above and <paramref name="leftBorder"/> at the left.</summary>
    private static sbyte[,] Bordered(int fieldOrder, sbyte leftBorder)
    {
        FiniteField field = new(fieldOrder);
        sbyte[] character = field.QuadraticCharacter();
        sbyte[,] matrix = new sbyte[fieldOrder + 1, fieldOrder + 1];
        for (int row = 0; row < fieldOrder; row++)
        {
            matrix[0, row + 1] = 1;
            matrix[row + 1, 0] = leftBorder;
            for (int column = 0; column < fieldOrder; column++)
                matrix[row + 1, column + 1] = character[field.Difference(row, column)];
        }

        return matrix;
    }
}
