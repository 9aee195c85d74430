using Pique.Configuration;
using Pique.Data;
using Pique.Formats;
using Pique.Numerics;

namespace Pique.Calibration;

/// <summary>The records calibration looks at: a seeded choice of so many of each domain, tokenized and packed into rows.</summary>
public sealed class CalibrationSamples
{
    /// <summary>Tokens run through the model at once.</summary>
    private const int BatchTokens = 2048;

    /// <summary>Most records that <see cref="Apart"/> takes.</summary>
    private const int MostMeasuredRecords = 64;

    /// <summary>Stream of the choice of further records; those of the domains are counted from 0.</summary>
    private const long MeasuredStream = -1;

    private CalibrationSamples(IReadOnlyList<SourcedRecord> records, IReadOnlyList<TokenizedRecord> tokenized, int contextTokens)
    {
        Records = records;
        Tokenized = tokenized;
        Rows = new(tokenized, new PackingOptions(contextTokens, BatchTokens, Shuffle: false));
    }

    /// <summary>The chosen records, in the order of the data.</summary>
    public IReadOnlyList<SourcedRecord> Records { get; }

    /// <summary>The chosen records as token ids.</summary>
    public IReadOnlyList<TokenizedRecord> Tokenized { get; }

    /// <summary>Rows of the chosen records, in order.</summary>
    public PackedDataset Rows { get; }

    /// <summary>SHA-256 of the chosen records' tokens, in order.</summary>
    public string Digest => Rows.Digest;

    /// <summary>Records of each domain present.</summary>
    public IReadOnlyDictionary<DataDomain, int> Counts => Rows.RecordCounts;

    /// <summary>Chooses records and packs them.</summary>
    /// <param name="records">Records to choose from; none that a measurement is held out on.</param>
    /// <param name="recipe">How many of each domain.</param>
    /// <param name="seed">Seed of the choice: a domain's choice depends on nothing but the seed and the domain's own records.</param>
    /// <param name="tokenizer">Tokenizer of the model.</param>
    /// <param name="contextTokens">Tokens of a row.</param>
    /// <exception cref="InputException">A domain has too few records, or a record does not fit the context.</exception>
    public static CalibrationSamples Select(IReadOnlyList<SourcedRecord> records, CalibrationRecipe recipe, long seed, ITextTokenizer tokenizer, int contextTokens)
    {
        ILookup<DataDomain, int> places = Enumerable.Range(0, records.Count).ToLookup(place => records[place].Record.Domain);
        List<int> chosen = [];
        foreach (DataDomain domain in Enum.GetValues<DataDomain>())
        {
            int[] candidates = [.. places[domain]];
            int wanted = recipe.Samples?.Of(domain) ?? Math.Min(candidates.Length, CalibrationRecipe.DefaultSamplesPerDomain);
            if (wanted > candidates.Length)
            {
                string name = SnakeCase.Of(domain);
                throw new InputException(
                    $"calibration.samples.{name}: found {candidates.Length} records of this domain in the training data, expected {wanted}. "
                    + $"Add a file with \"domain\": \"{name}\"{(domain == DataDomain.Code ? "" : ", or more records of the curriculum")}, or lower the count.");
            }

            SplitMix64.ForStream(seed, (long)domain).Shuffle(candidates.AsSpan());
            chosen.AddRange(candidates.Take(wanted));
        }

        if (chosen.Count == 0)
            throw new InputException("calibration.samples: found no record to calibrate on, expected at least one. Raise a count.");
        chosen.Sort();
        SourcedRecord[] samples = [.. chosen.Select(place => records[place])];
        return new(samples, [.. new RecordTokenizer(tokenizer, contextTokens).Tokenize(samples)], contextTokens);
    }

    /// <summary>Rows of further records, to measure on what was not calibrated on.</summary>
    /// <param name="records">The records that samples were chosen from.</param>
    /// <param name="seed">Seed of the choice.</param>
    /// <param name="tokenizer">Tokenizer of the model.</param>
    /// <returns>Rows of at most <see cref="MostMeasuredRecords"/> records; null where no record is left.</returns>
    public PackedDataset? Apart(IReadOnlyList<SourcedRecord> records, long seed, ITextTokenizer tokenizer)
    {
        HashSet<string> known = [.. Records.Select(ContentOf)];
        SourcedRecord[] others = [.. records.Where(record => !known.Contains(ContentOf(record)))];
        if (others.Length == 0)
            return null;
        SplitMix64.ForStream(seed, MeasuredStream).Shuffle(others.AsSpan());
        return new(
            new RecordTokenizer(tokenizer, Rows.ContextTokens).Tokenize(others.Take(MostMeasuredRecords)),
            new PackingOptions(Rows.ContextTokens, BatchTokens, Shuffle: false));
    }

    private static string ContentOf(SourcedRecord record) => Convert.ToHexString(HeldOutSplit.HashOf(record.Record));
}
