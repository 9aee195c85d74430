using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Pique.Configuration;
using Pique.Data;
using Pique.Formats;
using Pique.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Says what the activations in a file depend on, so that a resumed run takes none that are of something else.</summary>
/// <param name="student">The student, its quantizers in place.</param>
/// <param name="teacherDigest">SHA-256 of the teacher.</param>
/// <param name="computeType">Type of the matrix products.</param>
/// <param name="data">The rows.</param>
/// <param name="shape">How many of them.</param>
internal sealed class ActivationKeys(LlamaModel student, string teacherDigest, ComputeType computeType, PackedDataset data, ActivationShape shape)
{
    private const string EmbeddingPrefix = "model.embed_tokens.";
    private const string QuantizerPrefix = "quantizer.";

    private readonly List<string> _ofStudent = [];

    /// <summary>SHA-256 of all that the teacher's stream ahead of a block depends on.</summary>
    /// <param name="block">Block, from 0.</param>
    public string OfTeacher(int block)
    {
        using IncrementalHash hash = Begin("teacher", block);
        hash.AppendData(Encoding.ASCII.GetBytes(teacherDigest));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>SHA-256 of all that the student's stream ahead of a block depends on: the embedding and every block before it. Each is hashed once, so none of them may change afterwards.</summary>
    /// <param name="block">Block, from 0.</param>
    public string OfStudent(int block)
    {
        while (_ofStudent.Count <= block)
            _ofStudent.Add(NextOfStudent());
        return _ofStudent[block];
    }

    private string NextOfStudent()
    {
        int block = _ofStudent.Count;
        string passed = block == 0 ? EmbeddingPrefix : LlamaBlock.NamePrefix(block - 1);
        using IncrementalHash hash = Begin("student", block);
        if (block > 0)
            hash.AppendData(Encoding.ASCII.GetBytes(_ofStudent[block - 1]));
        foreach ((string name, Tensor value) in TrainedParameters.Of(student).Saved)
        {
            string layer = name.StartsWith(QuantizerPrefix, StringComparison.Ordinal) ? name[QuantizerPrefix.Length..] : name;
            if (!layer.StartsWith(passed, StringComparison.Ordinal))
                continue;
            using DisposeScope scope = NewDisposeScope();
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            TensorMemory.Visit(value.detach().cpu().contiguous(), (_, values) => hash.AppendData(MemoryMarshal.AsBytes(values)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private IncrementalHash Begin(string side, int block)
    {
        IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{side} {block} {shape.Rows} {data.LayoutDigest} {computeType} ")));
        return hash;
    }
}
