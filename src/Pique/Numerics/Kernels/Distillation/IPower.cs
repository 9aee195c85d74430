namespace Pique.Numerics.Kernels;

/// <summary>A temperature T that is a small integer: e^x is the T-th power of e^(x/T), so that one exponential serves both temperatures.</summary>
/// <remarks>What would leave the normal numbers is raised from e^(−87/T): about <see cref="Exponential.Least"/>, as exponentials themselves are.</remarks>
internal interface IPower
{
    /// <summary>T.</summary>
    static abstract float Exponent { get; }

    /// <summary>The power of sixteen values.</summary>
    static abstract TLanes Raise<TLanes>(TLanes value) where TLanes : unmanaged, ILanes<TLanes>;

    /// <summary>The power of one: the reference.</summary>
    static abstract float Raise(float value);
}

/// <summary>T = 2.</summary>
internal readonly struct Square : IPower
{
    private const float Least = 1.3e-19f;

    public static float Exponent => 2f;

    public static TLanes Raise<TLanes>(TLanes value) where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes bounded = TLanes.AtLeast(value, TLanes.Broadcast(Least));
        return bounded * bounded;
    }

    public static float Raise(float value)
    {
        float bounded = MathF.Max(value, Least);
        return bounded * bounded;
    }
}

/// <summary>T = 3.</summary>
internal readonly struct Cube : IPower
{
    private const float Least = 2.6e-13f;

    public static float Exponent => 3f;

    public static TLanes Raise<TLanes>(TLanes value) where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes bounded = TLanes.AtLeast(value, TLanes.Broadcast(Least));
        return bounded * bounded * bounded;
    }

    public static float Raise(float value)
    {
        float bounded = MathF.Max(value, Least);
        return bounded * bounded * bounded;
    }
}

/// <summary>T = 4.</summary>
internal readonly struct FourthPower : IPower
{
    private const float Least = 3.6e-10f;

    public static float Exponent => 4f;

    public static TLanes Raise<TLanes>(TLanes value) where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes bounded = TLanes.AtLeast(value, TLanes.Broadcast(Least)), square = bounded * bounded;
        return square * square;
    }

    public static float Raise(float value)
    {
        float bounded = MathF.Max(value, Least), square = bounded * bounded;
        return square * square;
    }
}
