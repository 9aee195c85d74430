namespace Pique.Numerics;

/// <summary>The field of p^k elements, as far as Paley's constructions need it.</summary>
/// <remarks>Elements are polynomials of degree below k over the integers modulo p, written as numbers whose digits to base p are the coefficients.</remarks>
internal sealed class FiniteField
{
    private readonly int _order;
    private readonly int _prime;
    private readonly int _degree;

    /// <summary>Creates a field.</summary>
    /// <param name="order">A prime power.</param>
    /// <exception cref="ArgumentException">The order is none.</exception>
    public FiniteField(int order)
    {
        (_prime, _degree) = PrimePower(order) ?? throw new ArgumentException($"Found order {order}, expected a prime power.", nameof(order));
        _order = order;
    }

    /// <summary>Whether a field has this order: whether it is a prime power.</summary>
    public static bool Exists(int order) => PrimePower(order) is not null;

    /// <summary>left − right.</summary>
    public int Difference(int left, int right)
    {
        int difference = 0, place = 1;
        for (int digit = 0; digit < _degree; digit++, place *= _prime, left /= _prime, right /= _prime)
            difference += ((left % _prime) - (right % _prime) + _prime) % _prime * place;
        return difference;
    }

    /// <summary>χ(a) for every element a: 0 at 0, 1 at squares, −1 elsewhere. Odd orders only.</summary>
    /// <remarks>The squares are the even powers of an element whose powers are all elements but 0: that of x, modulo a primitive polynomial.</remarks>
    public sbyte[] QuadraticCharacter()
    {
        sbyte[] character = new sbyte[_order];
        for (int polynomial = 1; polynomial < _order; polynomial++)
        {
            // x^k = the polynomial; where it is primitive, the powers of x return to 1 after all elements and not before.
            Array.Clear(character);
            int element = 1, count = 0;
            for (; character[element] == 0 && element != 0; element = TimesX(element, polynomial), count++)
                character[element] = count % 2 == 0 ? (sbyte)1 : (sbyte)-1;
            if (element == 1 && count == _order - 1)
                return character;
        }

        throw new InvalidOperationException($"No primitive polynomial found for the field of {_order} elements.");
    }

    /// <summary>x·element, where x^k is the polynomial.</summary>
    private int TimesX(int element, int polynomial)
    {
        int highest = _order / _prime, leading = element / highest, product = 0, place = 1, lower = 0;
        element %= highest;
        for (int digit = 0; digit < _degree; digit++, place *= _prime, lower = element % _prime, element /= _prime, polynomial /= _prime)
            product += (int)((lower + ((long)leading * (polynomial % _prime))) % _prime) * place;
        return product;
    }

    private static (int Prime, int Degree)? PrimePower(int number)
    {
        if (number < 2)
            return null;
        int prime = number;
        for (int divisor = 2; divisor <= number / divisor; divisor++)
        {
            if (number % divisor == 0)
            {
                prime = divisor;
                break;
            }
        }

        int degree = 0;
        for (; number % prime == 0; number /= prime)
            degree++;
        return number == 1 ? (prime, degree) : null;
    }
}
