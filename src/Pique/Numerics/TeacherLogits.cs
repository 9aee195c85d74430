using Pique.Numerics.Kernels;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>What is known of a teacher's distribution over the next token, for the rows of one chunk. A closed choice.</summary>
internal abstract record TeacherLogits
{
    private TeacherLogits()
    {
    }

    /// <summary>Names the memory to the kernel, after checking it against what is there already.</summary>
    internal abstract void Fill(ref DistillationRowsKernel.Arguments arguments);

    private static void RequireShape(Tensor found, string name, params ReadOnlySpan<long> expected)
    {
        if (!found.shape.AsSpan().SequenceEqual(expected))
            throw new ArgumentException($"Found {name} of shape [{string.Join(", ", found.shape)}], expected [{string.Join(", ", expected.ToArray())}].");
    }

    /// <summary>All of it.</summary>
    /// <param name="Logits">Logits or log-probabilities, shape [rows, vocabulary], contiguous float32 on the CPU.</param>
    internal sealed record All(Tensor Logits) : TeacherLogits
    {
        internal override unsafe void Fill(ref DistillationRowsKernel.Arguments arguments)
        {
            RequireShape(Logits, "teacher logits", arguments.RowCount, arguments.Vocabulary);
            arguments.Teacher = TensorPointer.Of(Logits);
        }
    }

    /// <summary>The likeliest tokens one by one, all others as one bucket.</summary>
    /// <param name="Ids">Token ids, shape [rows, k], contiguous int32 on the CPU; within a row each once.</param>
    /// <param name="LogProbabilities">Theirs and last that of all others together, shape [rows, k + 1], contiguous float32 on the CPU.</param>
    /// <param name="Scratch">Same shape as <paramref name="LogProbabilities"/>, contiguous float32 on the CPU; its values mean nothing.</param>
    internal sealed record Likeliest(Tensor Ids, Tensor LogProbabilities, Tensor Scratch) : TeacherLogits
    {
        internal override unsafe void Fill(ref DistillationRowsKernel.Arguments arguments)
        {
            int count = (int)Ids.shape[1];
            if (count < 1 || count >= arguments.Vocabulary)
                throw new ArgumentException($"Found {count} likeliest tokens, expected at least 1 and fewer than the {arguments.Vocabulary} of the vocabulary.");
            RequireShape(Ids, "token ids", arguments.RowCount, count);
            RequireShape(LogProbabilities, "log-probabilities", arguments.RowCount, count + 1);
            RequireShape(Scratch, "scratch", arguments.RowCount, count + 1);
            int* ids = TensorPointer.OfInt32(Ids);
            RequireTokens(new ReadOnlySpan<int>(ids, arguments.RowCount * count), arguments.Vocabulary);
            arguments.Likeliest = new()
            {
                Count = count,
                Ids = ids,
                LogProbabilities = TensorPointer.Of(LogProbabilities),
                Scratch = TensorPointer.Of(Scratch),
            };
        }

        private static void RequireTokens(ReadOnlySpan<int> ids, int vocabulary)
        {
            foreach (int id in ids)
            {
                if ((uint)id >= (uint)vocabulary)
                    throw new ArgumentException($"Found the token id {id}, expected 0 to {vocabulary - 1}.");
            }
        }
    }
}
