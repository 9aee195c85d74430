using System.Buffers.Binary;
using Pique.Models.Llama;

namespace Pique.Formats.Llama2C;

/// <summary>The seven numbers that open a legacy llama2.c file, checked against the size of the file.</summary>
/// <remarks>Layout: run.c and export.py (legacy_export) of https://github.com/karpathy/llama2.c</remarks>
internal static class Llama2CHeader
{
    /// <summary>Bytes of the header: seven 32-bit integers.</summary>
    public const int Bytes = 7 * sizeof(int);

    /// <summary>ε of RMSNorm, fixed in run.c.</summary>
    private const float RmsNormEpsilon = 1e-5f;

    /// <summary>Base of the rotary embedding, fixed in run.c.</summary>
    private const float RopeTheta = 10000f;

    /// <summary>First number of the newer llama2.c versions, "ak42".</summary>
    private const int VersionedMagic = 0x616B3432;

    /// <summary>Parses the header.</summary>
    /// <param name="header">The first bytes of the file.</param>
    /// <param name="path">File, for messages.</param>
    /// <param name="fileBytes">Size of the file.</param>
    /// <returns>Shape of the model; its size has been compared with the file's, nothing has been allocated.</returns>
    /// <exception cref="InputException">The numbers are impossible or ask for another file size.</exception>
    public static LlamaConfig Parse(ReadOnlySpan<byte> header, string path, long fileBytes)
    {
        int dim = Number(header, 0);
        int hiddenDim = Number(header, 1);
        int layers = Number(header, 2);
        int heads = Number(header, 3);
        int keyValueHeads = Number(header, 4);
        int vocabulary = Number(header, 5);
        int context = Number(header, 6);
        if (dim == VersionedMagic)
            throw new InputException($"{path}: is a versioned llama2.c file (magic \"ak42\"), expected the legacy layout; export it again with --version 0");

        string[] notPositive =
        [
            .. new (string Name, int Value)[] { ("dim", dim), ("hidden_dim", hiddenDim), ("n_layers", layers), ("n_heads", heads), ("n_kv_heads", keyValueHeads), ("seq_len", context) }
                .Where(field => field.Value <= 0)
                .Select(field => $"{field.Name} {field.Value}"),
        ];
        if (notPositive.Length > 0)
            throw Fault(path, $"holds {string.Join(", ", notPositive)}, expected numbers of at least 1");
        if (vocabulary is 0 or int.MinValue)
            throw Fault(path, $"holds vocab_size {vocabulary}, expected a number of tokens, negative where the output head is not the embedding");
        if (dim % heads != 0 || dim / heads % 2 != 0)
            throw Fault(path, $"holds dim {dim} and n_heads {heads}, expected heads of one even width");
        if (heads % keyValueHeads != 0)
            throw Fault(path, $"holds n_heads {heads} and n_kv_heads {keyValueHeads}, expected a multiple");

        LlamaConfig config = new()
        {
            VocabularySize = Math.Abs(vocabulary),
            HiddenSize = dim,
            IntermediateSize = hiddenDim,
            LayerCount = layers,
            HeadCount = heads,
            KeyValueHeadCount = keyValueHeads,
            HeadSize = dim / heads,
            ContextTokens = context,
            RmsNormEpsilon = RmsNormEpsilon,
            RopeTheta = RopeTheta,
            TieWordEmbeddings = vocabulary > 0,
        };
        Int128 expectedBytes = Bytes + (sizeof(float) * FloatCount(config));
        if (expectedBytes != fileBytes)
            throw Fault(path, $"describes a file of {expectedBytes} bytes (dim {dim}, hidden_dim {hiddenDim}, n_layers {layers}, n_heads {heads}, n_kv_heads {keyValueHeads}, vocab_size {vocabulary}, seq_len {context}), the file has {fileBytes}");
        return config;
    }

    /// <summary>Floats after the header; cannot overflow, since every factor has 31 bits.</summary>
    private static Int128 FloatCount(LlamaConfig config)
    {
        Int128 dim = config.HiddenSize;
        Int128 keys = (Int128)config.KeyValueHeadCount * config.HeadSize;
        Int128 perLayer = (2 * dim) + (2 * dim * dim) + (2 * keys * dim) + (3 * dim * config.IntermediateSize);
        Int128 rotaryTables = (Int128)config.ContextTokens * config.HeadSize;
        Int128 matrices = (Int128)config.VocabularySize * dim * (config.TieWordEmbeddings ? 1 : 2);
        return matrices + (config.LayerCount * perLayer) + dim + rotaryTables;
    }

    private static int Number(ReadOnlySpan<byte> header, int index) => BinaryPrimitives.ReadInt32LittleEndian(header[(index * sizeof(int))..]);

    private static InputException Fault(string path, string fault) =>
        new($"{path}: the llama2.c header {fault}; the file is damaged, cut short or of another format");
}
