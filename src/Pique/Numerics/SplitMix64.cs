using System.Runtime.CompilerServices;

namespace Pique.Numerics;

/// <summary>A seeded random source of 64-bit words, the same on every platform and in every version.</summary>
/// <remarks>Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", OOPSLA; constants of its SplitMix64.</remarks>
public sealed class SplitMix64
{
    private const ulong GoldenGamma = 0x9E3779B97F4A7C15UL;
    private ulong _state;

    /// <summary>Creates a source.</summary>
    /// <param name="seed">Any number.</param>
    public SplitMix64(long seed) => _state = unchecked((ulong)seed);

    /// <summary>Creates a source whose sequence depends on every key and on their order.</summary>
    /// <param name="keys">Numbers that name the stream, for example seed, epoch and record number.</param>
    public static SplitMix64 ForStream(params ReadOnlySpan<long> keys)
    {
        ulong state = 0;
        foreach (long key in keys)
        {
            state = Mix(unchecked((state ^ Mix(unchecked((ulong)key + GoldenGamma))) + GoldenGamma));
        }

        return new SplitMix64(unchecked((long)state));
    }

    /// <summary>The state of a stream from which <see cref="Word"/> tells any word, for kernels that draw out of order.</summary>
    internal ulong State => _state;

    /// <summary>A word of a stream by its place: what <see cref="NextUInt64"/> returns after as many calls.</summary>
    /// <param name="state">State of the stream.</param>
    /// <param name="place">Words drawn before it.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Word(ulong state, long place) => Mix(unchecked(state + (((ulong)place + 1) * GoldenGamma)));

    /// <summary>The next word, uniform over all 64-bit values.</summary>
    public ulong NextUInt64()
    {
        _state = unchecked(_state + GoldenGamma);
        return Mix(_state);
    }

    /// <summary>A number in [0, <paramref name="exclusiveBound"/>), every one equally likely.</summary>
    /// <param name="exclusiveBound">At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The bound is below 1.</exception>
    /// <remarks>Lemire 2019, arXiv:1805.10941, algorithm 5.</remarks>
    public int NextInt32(int exclusiveBound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(exclusiveBound, 1);
        ulong bound = (ulong)exclusiveBound;
        ulong high = Math.BigMul(NextUInt64(), bound, out ulong low);
        if (low < bound)
        {
            ulong threshold = unchecked(0UL - bound) % bound;
            while (low < threshold)
            {
                high = Math.BigMul(NextUInt64(), bound, out low);
            }
        }

        return (int)high;
    }

    /// <summary>A number in [<paramref name="minimum"/>, <paramref name="maximum"/>], both included.</summary>
    /// <param name="minimum">Smallest number.</param>
    /// <param name="maximum">Largest number, at least <paramref name="minimum"/>.</param>
    public int NextInRange(int minimum, int maximum) => minimum + NextInt32(maximum - minimum + 1);

    /// <summary>A number in [0, 1) with 53 random bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>One of the choices, every one equally likely.</summary>
    /// <typeparam name="T">Kind of choice.</typeparam>
    /// <param name="choices">At least one.</param>
    public T Pick<T>(params ReadOnlySpan<T> choices) => choices[NextInt32(choices.Length)];

    /// <summary>Puts the items in random order, every order equally likely.</summary>
    /// <typeparam name="T">Kind of item.</typeparam>
    /// <param name="items">Items, reordered in place.</param>
    /// <remarks>Fisher and Yates.</remarks>
    public void Shuffle<T>(Span<T> items)
    {
        for (int last = items.Length - 1; last > 0; last--)
        {
            int other = NextInt32(last + 1);
            (items[last], items[other]) = (items[other], items[last]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong word)
    {
        unchecked
        {
            word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9UL;
            word = (word ^ (word >> 27)) * 0x94D049BB133111EBUL;
            return word ^ (word >> 31);
        }
    }
}
