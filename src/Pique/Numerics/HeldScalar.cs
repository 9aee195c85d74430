using TorchSharp;

namespace Pique.Numerics;

/// <summary>Scalars that outlive the native call they are passed to.</summary>
/// <remarks>
/// TorchSharp hands a scalar's native memory to libtorch without keeping its managed owner alive, so the garbage collector may free
/// the memory while native code still reads it: the operation then throws or, worse, computes with garbage. Every scalar argument of
/// a tensor operation is therefore made here. The last <see cref="HeldCount"/> scalars of a thread stay alive; an operation takes
/// three at most and is over before its scalars fall out. An addition has one even where none is written, the factor of the summand:
/// it is written out, and tensors are not added by the operator.
/// </remarks>
internal static class HeldScalar
{
    private const int HeldCount = 64;

    [ThreadStatic]
    private static Scalar?[]? _held;

    [ThreadStatic]
    private static int _next;

    public static Scalar Of(int value) => Hold(value.ToScalar());

    public static Scalar Of(long value) => Hold(value.ToScalar());

    public static Scalar Of(float value) => Hold(value.ToScalar());

    public static Scalar Of(double value) => Hold(value.ToScalar());

    private static Scalar Hold(Scalar scalar)
    {
        Scalar?[] held = _held ??= new Scalar?[HeldCount];
        held[_next]?.Dispose();
        held[_next] = scalar;
        _next = (_next + 1) % HeldCount;
        return scalar;
    }
}
