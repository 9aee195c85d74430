using Pique.Numerics;

namespace Pique.Tests.Numerics;

public class HadamardMatrixTests
{
    [Theory]
    [InlineData(1), InlineData(2), InlineData(4), InlineData(8), InlineData(64), InlineData(128), InlineData(256)]
    [InlineData(12), InlineData(20), InlineData(28), InlineData(36), InlineData(44), InlineData(60), InlineData(68)]
    [InlineData(76), InlineData(84), InlineData(108), InlineData(124), InlineData(140), InlineData(148)]
    [InlineData(24), InlineData(40), InlineData(56), InlineData(144), InlineData(240), InlineData(288), InlineData(576), InlineData(896)]
    public void Rows_are_orthogonal_in_integers(int order)
    {
        sbyte[,] matrix = HadamardMatrix.Create(order);

        Assert.True(HadamardMatrix.CanCreate(order));
        Assert.Equal(order, matrix.GetLength(0));
        Assert.Equal(order, matrix.GetLength(1));
        Assert.All(matrix.Cast<sbyte>(), entry => Assert.True(entry is 1 or -1));
        for (int row = 0; row < order; row++)
        {
            for (int other = row; other < order; other++)
            {
                int product = 0;
                for (int column = 0; column < order; column++)
                    product += matrix[row, column] * matrix[other, column];
                if (product != (row == other ? order : 0))
                    Assert.Fail($"rows {row} and {other} of order {order} multiply to {product}");
            }
        }
    }

    [Theory]
    [InlineData(4096), InlineData(4864), InlineData(5120), InlineData(8960), InlineData(11008)]
    public void Widths_of_published_models_can_be_built(int order) => Assert.True(HadamardMatrix.CanCreate(order));

    [Theory]
    [InlineData(3), InlineData(6), InlineData(18), InlineData(52), InlineData(92), InlineData(100), InlineData(116), InlineData(156), InlineData(172)]
    public void Orders_without_a_construction_are_refused(int order)
    {
        Assert.False(HadamardMatrix.CanCreate(order));
        ArgumentException error = Assert.Throws<ArgumentException>(() => HadamardMatrix.Create(order));

        Assert.Equal($"Order {order}: no product of 2 and Paley orders over primes; ask CanCreate first, or use a random orthogonal matrix. (Parameter 'order')", error.Message);
    }
}
