using Pique.Numerics;

namespace Pique.Tests.Numerics;

public class FiniteFieldTests
{
    [Theory]
    [InlineData(3), InlineData(7), InlineData(13), InlineData(101)]
    public void Modulo_a_prime_the_character_is_eulers(int prime)
    {
        sbyte[] character = new FiniteField(prime).QuadraticCharacter();

        for (int element = 0; element < prime; element++)
        {
            int power = (int)System.Numerics.BigInteger.ModPow(element, (prime - 1) / 2, prime);
            Assert.Equal(power == prime - 1 ? -1 : power, character[element]);
        }
    }

    // Jacobsthal's matrix Q[a, b] = χ(a − b) of a field has Q·Qᵀ = q·I − J.
    [Theory]
    [InlineData(9), InlineData(25), InlineData(27), InlineData(49), InlineData(81), InlineData(125)]
    public void Of_any_two_shifts_of_the_character_the_product_is_minus_one(int order)
    {
        FiniteField field = new(order);
        sbyte[] character = field.QuadraticCharacter();

        for (int shift = 0; shift < order; shift++)
        {
            int product = Enumerable.Range(0, order).Sum(element => character[element] * character[field.Difference(element, shift)]);
            Assert.Equal(shift == 0 ? order - 1 : -1, product);
        }
    }

    [Theory]
    [InlineData(0, false), InlineData(1, false), InlineData(6, false), InlineData(12, false), InlineData(100, false)]
    [InlineData(2, true), InlineData(8, true), InlineData(97, true), InlineData(343, true)]
    public void Fields_exist_at_prime_powers(int order, bool exists) => Assert.Equal(exists, FiniteField.Exists(order));

    [Fact]
    public void Another_order_is_refused() => Assert.Equal(
        "Found order 15, expected a prime power. (Parameter 'order')",
        Assert.Throws<ArgumentException>(() => new FiniteField(15)).Message);
}
