using Pique.Configuration;
using Pique.Data;
using Pique.Tests.Training;

namespace Pique.Tests.Objectives;

/// <summary>Records that count in threes, packed; some with a chain of thought.</summary>
internal static class CountingData
{
    public static PackedDataset Dataset(long seed = 3, int records = 24, bool shuffles = true) => new(
        Enumerable.Range(0, records).Select(Record), new PackingOptions(TinyRun.Context, BatchTokens: 3 * TinyRun.Context, Seed: seed, Shuffle: shuffles));

    private static TokenizedRecord Record(int number)
    {
        int length = 5 + (number * 7 % 11);
        int[] tokens = [.. Enumerable.Range(0, length).Select(place => (number + (3 * place)) % TinyRun.Vocabulary)];
        bool[] mask = [.. Enumerable.Range(0, length).Select(place => place >= 2)];
        ReasoningSpan[] spans = number % 3 == 0 ? [new(1, 2, ReasoningSpanKind.Calculation), new(3, 1, ReasoningSpanKind.Answer)] : [];
        return new(tokens, mask, spans, DataDomain.Reasoning);
    }
}
