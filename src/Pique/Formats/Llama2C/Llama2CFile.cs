using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Pique.Models.Llama;

namespace Pique.Formats.Llama2C;

/// <summary>A legacy llama2.c checkpoint (.bin), its weights under Hugging Face names.</summary>
/// <remarks>
/// The file holds the weights of one kind of all layers together, in the order of run.c. llama2.c turns adjacent channels (2i, 2i+1) of a head,
/// Hugging Face models turn (i, i + headSize/2): the rows of the query and key projections are reordered as they are read, which leaves all scores equal.
/// </remarks>
public sealed class Llama2CFile : IWeightSource
{
    /// <summary>Largest relative deviation of the stored rotary tables from those of the fixed base.</summary>
    private const float RotaryTolerance = 1e-3f;

    private readonly SafeFileHandle _handle;
    private readonly Dictionary<string, (long Offset, long[] Shape)> _weights = new(StringComparer.Ordinal);

    private Llama2CFile(string path, SafeFileHandle handle, LlamaConfig config)
    {
        Path = path;
        _handle = handle;
        Config = config;
        long rotaryOffset = LayOut();
        Shapes = _weights.ToDictionary(weight => weight.Key, weight => (IReadOnlyList<long>)weight.Value.Shape, StringComparer.Ordinal);
        CheckRotaryTables(rotaryOffset);
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <summary>Shape of the model.</summary>
    public LlamaConfig Config { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, IReadOnlyList<long>> Shapes { get; }

    /// <summary>Opens a file and checks its header against its size.</summary>
    /// <param name="path">File to read.</param>
    /// <exception cref="InputException">The file is missing, unreadable, of another layout or of another size than its header asks for.</exception>
    public static Llama2CFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        SafeFileHandle handle = InputFile.Open(path);
        try
        {
            long fileBytes = RandomAccess.GetLength(handle);
            if (fileBytes < Llama2CHeader.Bytes)
                throw new InputException($"{path}: has {fileBytes} bytes, a llama2.c file has a header of {Llama2CHeader.Bytes}; fetch it again");
            Span<byte> header = stackalloc byte[Llama2CHeader.Bytes];
            InputFile.ReadExactly(handle, path, 0, header);
            return new Llama2CFile(path, handle, Llama2CHeader.Parse(header, path, fileBytes));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(string name, long firstElement, Span<float> destination)
    {
        (long offset, long[] shape) = _weights[name];
        if (!IsRotated(name))
        {
            ReadFloats(offset + (firstElement * sizeof(float)), destination);
            return;
        }

        long width = shape[1];
        while (!destination.IsEmpty)
        {
            (long row, long column) = Math.DivRem(firstElement, width);
            int count = (int)Math.Min(width - column, destination.Length);
            ReadFloats(offset + (((StoredRow(row) * width) + column) * sizeof(float)), destination[..count]);
            destination = destination[count..];
            firstElement += count;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static bool IsRotated(string name) =>
        name.EndsWith(".q_proj.weight", StringComparison.Ordinal) || name.EndsWith(".k_proj.weight", StringComparison.Ordinal);

    /// <summary>Row of the file that becomes a row of the model: channel i of a head's first half was 2i, of its second half 2i+1.</summary>
    private long StoredRow(long row)
    {
        (long head, long channel) = Math.DivRem(row, Config.HeadSize);
        int half = Config.HeadSize / 2;
        return (head * Config.HeadSize) + (channel < half ? 2 * channel : (2 * (channel - half)) + 1);
    }

    /// <summary>Gives every weight its place, in the order of memory_map_weights in run.c.</summary>
    /// <returns>Offset of the rotary tables.</returns>
    private long LayOut()
    {
        Dictionary<string, long[]> shapes = LlamaWeightShapes.Of(Config).ToDictionary(weight => weight.Name, weight => weight.Shape, StringComparer.Ordinal);
        long offset = Llama2CHeader.Bytes;
        Place(LlamaWeightShapes.Embedding);
        foreach (string kind in (string[])
            [
                "input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                "post_attention_layernorm", "mlp.gate_proj", "mlp.down_proj", "mlp.up_proj",
            ])
        {
            for (int layer = 0; layer < Config.LayerCount; layer++)
                Place($"model.layers.{layer}.{kind}.weight");
        }

        Place("model.norm.weight");
        long rotaryOffset = offset;
        offset += (long)Config.ContextTokens * Config.HeadSize * sizeof(float);
        if (!Config.TieWordEmbeddings)
            Place(LlamaWeightShapes.Head);
        return rotaryOffset;

        void Place(string name)
        {
            _weights.Add(name, (offset, shapes[name]));
            offset += Formats.Shapes.ElementCount(shapes[name]) * sizeof(float);
        }
    }

    /// <summary>Compares position 1 of the stored sines with the fixed base: a model trained with another one would compute nonsense in silence.</summary>
    private void CheckRotaryTables(long rotaryOffset)
    {
        if (Config.ContextTokens < 2)
            return;

        // All cosines come first, then all sines; sines tell small angles apart.
        float[] sines = new float[Config.HeadSize / 2];
        ReadFloats(rotaryOffset + ((Config.ContextTokens + 1L) * sines.Length * sizeof(float)), sines);
        for (int pair = 0; pair < sines.Length; pair++)
        {
            double expected = Math.Sin(Math.Pow(Config.RopeTheta, -2.0 * pair / Config.HeadSize));
            if (!(Math.Abs(sines[pair] - expected) <= RotaryTolerance * expected))
                throw new InputException(FormattableString.Invariant($"{Path}: the rotary table holds sin {sines[pair]} for pair {pair} at position 1, expected {(float)expected} of base {Config.RopeTheta}; the file is damaged or of another rotary base"));
        }
    }

    private void ReadFloats(long offset, Span<float> destination) => InputFile.ReadExactly(_handle, Path, offset, MemoryMarshal.AsBytes(destination));
}
