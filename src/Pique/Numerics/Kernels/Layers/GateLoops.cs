using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>silu(gate)·up and its gradients over a run of values, with silu(x) = x·σ(x).</summary>
internal unsafe interface IGateLoops
{
    /// <summary>output ← (gate·σ(gate))·up.</summary>
    static abstract void Product(float* gate, float* up, float* output, long count);

    /// <summary>Gradients: of the gate, (upstream·up)·(σ·(1 + gate·(1 − σ))); of up, upstream·(gate·σ).</summary>
    static abstract void Gradients(float* gate, float* up, float* upstream, float* gateGradient, float* upGradient, long count);
}

/// <summary>One value at a time: the reference.</summary>
internal readonly unsafe struct ScalarGateLoops : IGateLoops
{
    public static void Product(float* gate, float* up, float* output, long count)
    {
        for (long i = 0; i < count; i++)
            output[i] = gate[i] * Sigmoid.Of(gate[i]).Value * up[i];
    }

    public static void Gradients(float* gate, float* up, float* upstream, float* gateGradient, float* upGradient, long count)
    {
        for (long i = 0; i < count; i++)
        {
            float argument = gate[i], gradient = upstream[i], factor = up[i];
            (float value, float complement) = Sigmoid.Of(argument);
            gateGradient[i] = gradient * factor * (value * (1f + (argument * complement)));
            upGradient[i] = gradient * (argument * value);
        }
    }
}

/// <summary>Sixteen at once; the reference does what is left over.</summary>
internal readonly unsafe struct LaneGateLoops<TLanes> : IGateLoops where TLanes : unmanaged, ILanes<TLanes>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Product(float* gate, float* up, float* output, long count)
    {
        long whole = count & ~(LaneLoop.Lanes - 1L);
        for (long i = 0; i < whole; i += LaneLoop.Lanes)
        {
            TLanes argument = TLanes.Load(gate + i);
            Sigmoid.Of(argument, out TLanes value, out _);
            (argument * value * TLanes.Load(up + i)).Store(output + i);
        }

        ScalarGateLoops.Product(gate + whole, up + whole, output + whole, count - whole);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Gradients(float* gate, float* up, float* upstream, float* gateGradient, float* upGradient, long count)
    {
        long whole = count & ~(LaneLoop.Lanes - 1L);
        TLanes one = TLanes.Broadcast(1f);
        for (long i = 0; i < whole; i += LaneLoop.Lanes)
        {
            TLanes argument = TLanes.Load(gate + i), gradient = TLanes.Load(upstream + i);
            Sigmoid.Of(argument, out TLanes value, out TLanes complement);
            (gradient * TLanes.Load(up + i) * (value * (one + (argument * complement)))).Store(gateGradient + i);
            (gradient * (argument * value)).Store(upGradient + i);
        }

        ScalarGateLoops.Gradients(gate + whole, up + whole, upstream + whole, gateGradient + whole, upGradient + whole, count - whole);
    }
}
