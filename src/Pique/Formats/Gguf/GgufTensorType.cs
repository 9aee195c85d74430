namespace Pique.Formats.Gguf;

/// <summary>Storage type of a tensor; names and numbers are ggml's. Layouts: docs/math.md §9.</summary>
public enum GgufTensorType : uint
{
    /// <summary>IEEE single precision.</summary>
    F32 = 0,

    /// <summary>IEEE half precision.</summary>
    F16 = 1,

    /// <summary>4 bits, a scale for 32 weights.</summary>
    Q4_0 = 2,

    /// <summary>4 bits, a scale and a minimum for 32 weights.</summary>
    Q4_1 = 3,

    /// <summary>5 bits, a scale for 32 weights.</summary>
    Q5_0 = 6,

    /// <summary>5 bits, a scale and a minimum for 32 weights.</summary>
    Q5_1 = 7,

    /// <summary>8 bits, a scale for 32 weights.</summary>
    Q8_0 = 8,

    /// <summary>2 bits, a 4-bit scale and minimum for 16 weights, blocks of 256.</summary>
    Q2_K = 10,

    /// <summary>3 bits, a 6-bit scale for 16 weights, blocks of 256.</summary>
    Q3_K = 11,

    /// <summary>4 bits, a 6-bit scale and minimum for 32 weights, blocks of 256.</summary>
    Q4_K = 12,

    /// <summary>5 bits, a 6-bit scale and minimum for 32 weights, blocks of 256.</summary>
    Q5_K = 13,

    /// <summary>6 bits, an 8-bit scale for 16 weights, blocks of 256.</summary>
    Q6_K = 14,

    /// <summary>Upper half of a single-precision float.</summary>
    BF16 = 30,

    /// <summary>Ternary, five weights a byte, a scale for 256 weights.</summary>
    TQ1_0 = 34,

    /// <summary>Ternary, four weights a byte, a scale for 256 weights.</summary>
    TQ2_0 = 35,

    /// <summary>1 bit, a scale for 128 weights.</summary>
    Q1_0 = 41,

    /// <summary>2 bits, a scale for 64 weights.</summary>
    Q2_0 = 42,
}
