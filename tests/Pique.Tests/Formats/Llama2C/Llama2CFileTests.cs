using System.Buffers.Binary;
using Pique.Formats;
using Pique.Formats.Llama2C;
using Pique.Models.Llama;
using static TorchSharp.torch;

namespace Pique.Tests.Formats.Llama2C;

public sealed class Llama2CFileTests : IDisposable
{
    private static readonly int[] Tokens = [1, 17, 4, 4, 23, 0, 9];

    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.File("model.bin");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_loaded_model_computes_what_run_c_computes(bool tied)
    {
        LlamaConfig config = tied ? TinyLlama.Tied : TinyLlama.Untied;
        float[] weights = Write(config);

        using Llama2CFile file = Llama2CFile.Open(FilePath);
        using LlamaModel model = LlamaWeightLoader.Load(file, file.Config);
        using IDisposable noGradients = no_grad();
        using Tensor logits = model.forward(tensor(Tokens.Select(id => (long)id).ToArray()).view(1, -1));

        Assert.Equal(config, file.Config);
        float[] expected = new Llama2CReference(config, weights).Logits(Tokens);
        float[] found = logits.data<float>().ToArray();
        Assert.Equal(expected.Length, found.Length);
        for (int index = 0; index < expected.Length; index++)
            Assert.Equal(expected[index], found[index], 1e-4f);
    }

    [Fact]
    public void Rows_are_reordered_from_any_element_on()
    {
        Write(TinyLlama.Tied);
        using Llama2CFile file = Llama2CFile.Open(FilePath);
        const string Name = "model.layers.1.self_attn.k_proj.weight";
        float[] whole = new float[8 * 16];
        float[] part = new float[50];

        file.Read(Name, 0, whole);
        file.Read(Name, 13, part);

        Assert.Equal(whole[13..63], part);
    }

    [Theory]
    [InlineData(0, 0, "holds dim 0, expected numbers of at least 1")]
    [InlineData(2, -5, "holds n_layers -5, expected numbers of at least 1")]
    [InlineData(5, 0, "holds vocab_size 0, expected a number of tokens, negative where the output head is not the embedding")]
    [InlineData(5, int.MinValue, "holds vocab_size -2147483648, expected a number of tokens, negative where the output head is not the embedding")]
    [InlineData(3, 5, "holds dim 16 and n_heads 5, expected heads of one even width")]
    [InlineData(3, 16, "holds dim 16 and n_heads 16, expected heads of one even width")]
    [InlineData(4, 3, "holds n_heads 4 and n_kv_heads 3, expected a multiple")]
    [InlineData(5, 25, "describes a file of 15964 bytes (dim 16, hidden_dim 20, n_layers 2, n_heads 4, n_kv_heads 2, vocab_size 25, seq_len 12), the file has 15900")]
    [InlineData(2, int.MaxValue, "describes a file of 15118284876700 bytes (dim 16, hidden_dim 20, n_layers 2147483647, n_heads 4, n_kv_heads 2, vocab_size 24, seq_len 12), the file has 15900")]
    public void A_lying_header_is_refused_before_anything_is_allocated(int field, int value, string expected)
    {
        Write(TinyLlama.Tied);
        byte[] content = File.ReadAllBytes(FilePath);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(field * 4), value);
        File.WriteAllBytes(FilePath, content);
        Refusal();

        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Refusal();
        long allocatedBytes = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal($"{FilePath}: the llama2.c header {expected}; the file is damaged, cut short or of another format", message);
        Assert.InRange(allocatedBytes, 0, 100_000);
    }

    [Fact]
    public void The_largest_numbers_do_not_overflow()
    {
        byte[] content = new byte[28];
        foreach ((int field, int value) in new[] { int.MaxValue - 1, int.MaxValue, int.MaxValue, 1, 1, int.MinValue + 1, int.MaxValue }.Index())
            BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(field * 4), value);
        File.WriteAllBytes(FilePath, content);

        Assert.Contains("the file has 28", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_versioned_file_is_refused_by_name()
    {
        File.WriteAllBytes(FilePath, [.. BitConverter.GetBytes(0x616B3432), .. new byte[252]]);

        Assert.Equal($"{FilePath}: is a versioned llama2.c file (magic \"ak42\"), expected the legacy layout; export it again with --version 0", Refusal());
    }

    [Fact]
    public void Another_rotary_base_is_refused()
    {
        Write(TinyLlama.Tied, rotaryBase: 500000);

        Assert.StartsWith($"{FilePath}: the rotary table holds sin 0.0014142", Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(27)]
    public void A_file_without_a_whole_header_is_refused(int fileBytes)
    {
        File.WriteAllBytes(FilePath, new byte[fileBytes]);

        Assert.Equal($"{FilePath}: has {fileBytes} bytes, a llama2.c file has a header of 28; fetch it again", Refusal());
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public void A_file_of_another_length_is_refused(int extraBytes)
    {
        Write(TinyLlama.Untied);
        using (FileStream stream = File.OpenWrite(FilePath))
            stream.SetLength(stream.Length + extraBytes);

        Assert.Contains("vocab_size -24", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_real_checkpoint_is_read()
    {
        using Llama2CFile file = Llama2CFile.Open(SharedData.PathOrSkip("models/stories260K/stories260K.bin"));
        using LlamaModel model = LlamaWeightLoader.Load(file, file.Config);

        Assert.Equal((64, 172, 5, 8, 4, 512), (file.Config.HiddenSize, file.Config.IntermediateSize, file.Config.LayerCount, file.Config.HeadCount, file.Config.KeyValueHeadCount, file.Config.VocabularySize));
        Assert.True(file.Config.TieWordEmbeddings);
        Assert.Equal(260032, model.named_parameters().Sum(entry => entry.parameter.numel()));
    }

    public void Dispose() => _folder.Dispose();

    private string Refusal() => Assert.Throws<InputException>(() => Llama2CFile.Open(FilePath)).Message;

    /// <summary>Writes random weights in run.c's order and gives them back, rotary tables excluded.</summary>
    private float[] Write(LlamaConfig config, double rotaryBase = 10000)
    {
        Random random = new(7);
        float[] weights = [.. Enumerable.Range(0, Llama2CReference.FloatCount(config)).Select(_ => (float)((random.NextDouble() * 1.2) - 0.6))];
        double[] angles =
        [
            .. Enumerable.Range(0, config.ContextTokens).SelectMany(position =>
                Enumerable.Range(0, config.HeadSize / 2).Select(pair => position * Math.Pow(rotaryBase, -2.0 * pair / config.HeadSize))),
        ];
        int headFloats = config.TieWordEmbeddings ? 0 : config.VocabularySize * config.HiddenSize;
        using BinaryWriter writer = new(File.Create(FilePath));
        foreach (int number in (int[])[config.HiddenSize, config.IntermediateSize, config.LayerCount, config.HeadCount, config.KeyValueHeadCount, config.TieWordEmbeddings ? config.VocabularySize : -config.VocabularySize, config.ContextTokens])
            writer.Write(number);
        foreach (float value in (IEnumerable<float>)[.. weights[..^headFloats], .. angles.Select(angle => (float)Math.Cos(angle)), .. angles.Select(angle => (float)Math.Sin(angle)), .. weights[^headFloats..]])
            writer.Write(value);
        return weights;
    }
}
