using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Turns one head: channel i and channel i + half by the angle of their pair.</summary>
internal unsafe interface IHeadRotation
{
    /// <summary>destination ← rotation of source by the angles, or by their negatives where <typeparamref name="TBack"/> is set.</summary>
    /// <param name="source">2·half channels.</param>
    /// <param name="cos">half cosines.</param>
    /// <param name="sin">half sines.</param>
    /// <param name="half">Number of pairs.</param>
    /// <param name="destination">2·half channels; may be the source.</param>
    static abstract void Rotate<TBack>(float* source, float* cos, float* sin, int half, float* destination) where TBack : unmanaged, IChoice;
}

/// <summary>One pair at a time: the reference.</summary>
internal readonly unsafe struct ScalarHeadRotation : IHeadRotation
{
    public static void Rotate<TBack>(float* source, float* cos, float* sin, int half, float* destination) where TBack : unmanaged, IChoice =>
        RotateFrom<TBack>(0, source, cos, sin, half, destination);

    /// <summary>Turns the pairs from one on.</summary>
    public static void RotateFrom<TBack>(int first, float* source, float* cos, float* sin, int half, float* destination) where TBack : unmanaged, IChoice
    {
        for (int i = first; i < half; i++)
        {
            float low = source[i], high = source[half + i];
            float sine = TBack.IsSet ? 0f - sin[i] : sin[i];
            destination[i] = (low * cos[i]) - (high * sine);
            destination[half + i] = (high * cos[i]) + (low * sine);
        }
    }
}

/// <summary>Sixteen pairs at once; the reference does what is left over.</summary>
internal readonly unsafe struct LaneHeadRotation<TLanes> : IHeadRotation where TLanes : unmanaged, ILanes<TLanes>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Rotate<TBack>(float* source, float* cos, float* sin, int half, float* destination) where TBack : unmanaged, IChoice
    {
        int whole = half & ~(LaneLoop.Lanes - 1);
        for (int i = 0; i < whole; i += LaneLoop.Lanes)
        {
            TLanes low = TLanes.Load(source + i), high = TLanes.Load(source + half + i), cosine = TLanes.Load(cos + i);
            TLanes sine = TBack.IsSet ? TLanes.Broadcast(0f) - TLanes.Load(sin + i) : TLanes.Load(sin + i);
            ((low * cosine) - (high * sine)).Store(destination + i);
            ((high * cosine) + (low * sine)).Store(destination + half + i);
        }

        ScalarHeadRotation.RotateFrom<TBack>(whole, source, cos, sin, half, destination);
    }
}
