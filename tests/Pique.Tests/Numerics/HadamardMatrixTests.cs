using Pique.Numerics;

namespace Pique.Tests.Numerics;

public class HadamardMatrixTests
{
    /// <summary>Orders that Paley over primes and Williamson give, and prime powers beyond them: 3⁵ + 1, 7³ + 1, 2(3⁴ + 1), 2(11² + 1), 2(5³ + 1).</summary>
    public static TheoryData<int> Cores => [12, 20, 28, 36, 44, 52, 60, 68, 76, 84, 92, 100, 108, 116, 124, 140, 148, 156, 164, 172, 244, 252, 344];

    [Theory]
    [InlineData(1), InlineData(2), InlineData(4), InlineData(8), InlineData(64), InlineData(128), InlineData(256)]
    [InlineData(24), InlineData(40), InlineData(56), InlineData(144), InlineData(240), InlineData(288), InlineData(576), InlineData(896)]
    [MemberData(nameof(Cores))]
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

    [Fact]
    public void Sylvesters_matrix_has_the_sign_of_the_common_bits()
    {
        sbyte[,] matrix = HadamardMatrix.Create(16);

        for (int row = 0; row < 16; row++)
        {
            for (int column = 0; column < 16; column++)
                Assert.Equal(int.PopCount(row & column) % 2 == 0 ? 1 : -1, matrix[row, column]);
        }
    }

    [Theory]
    [InlineData(896), InlineData(2304), InlineData(2880), InlineData(4096), InlineData(4864), InlineData(5120), InlineData(8960), InlineData(11008), InlineData(13824), InlineData(18944)]
    public void Widths_of_published_models_can_be_built(int order) => Assert.True(HadamardMatrix.CanCreate(order));

    [Theory]
    [InlineData(3), InlineData(6), InlineData(18), InlineData(26), InlineData(188), InlineData(236)]
    public void Orders_without_a_construction_are_refused(int order)
    {
        Assert.False(HadamardMatrix.CanCreate(order));
        ArgumentException error = Assert.Throws<ArgumentException>(() => HadamardMatrix.Create(order));

        Assert.Equal($"Order {order}: no product of a power of two and orders of Paley and Williamson matrices; ask CanCreate first, or use a random orthogonal matrix. (Parameter 'order')", error.Message);
    }

    [Fact]
    public void A_matrix_with_one_wrong_sign_is_no_hadamard_matrix()
    {
        sbyte[,] matrix = HadamardMatrix.Create(76);
        Assert.True(HadamardMatrix.IsHadamard(matrix));

        matrix[75, 70] *= -1;

        Assert.False(HadamardMatrix.IsHadamard(matrix));
        Assert.False(HadamardMatrix.IsHadamard(new sbyte[,] { { 1, 1, 1, 1 }, { 1, -1, 1, -1 } }));
        Assert.False(HadamardMatrix.IsHadamard(new sbyte[,] { { 2, 0 }, { 0, 2 } }));
    }
}
