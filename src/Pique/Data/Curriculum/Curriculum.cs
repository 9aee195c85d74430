using System.Security.Cryptography;
using System.Text;
using Pique.Configuration;
using Pique.Numerics;

namespace Pique.Data;

/// <summary>
/// The synthetic curriculum: small stories, arithmetic word problems with a written chain of thought, and tool calls.
/// </summary>
/// <remarks>
/// Every record has a content key: its facts without the wording (of a problem the calculation, of a call the name and arguments,
/// of a story its plot and cast). A hash of the key, which no seed enters, says whether the content is held out. The training
/// generator draws again until the content is not held out, the held-out generator until it is, so the two can never meet.
/// Record number i of a domain depends on (seed, split, domain, i) alone.
/// </remarks>
public static class Curriculum
{
    /// <summary>One content key in this many is held out.</summary>
    public const int HeldOutOneIn = 8;

    private enum Split
    {
        Train,
        HeldOut,
    }

    /// <summary>Training records, the domains evenly interleaved.</summary>
    /// <param name="options">Counts and seed.</param>
    /// <exception cref="InputException">A count is negative.</exception>
    public static IEnumerable<DataRecord> Train(CurriculumOptions options) => TrainWithKeys(options).Select(generated => generated.Record);

    /// <summary>Held-out records, whose content no training record shares.</summary>
    /// <param name="options">Counts and seed.</param>
    /// <exception cref="InputException">A count is negative.</exception>
    public static IEnumerable<DataRecord> HeldOut(CurriculumOptions options) => HeldOutWithKeys(options).Select(generated => generated.Record);

    internal static IEnumerable<CurriculumRecord> TrainWithKeys(CurriculumOptions options) => Interleave(options, Split.Train);

    internal static IEnumerable<CurriculumRecord> HeldOutWithKeys(CurriculumOptions options) => Interleave(options, Split.HeldOut);

    internal static bool IsHeldOut(string contentKey)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(contentKey));
        return BitConverter.ToUInt32(hash) % HeldOutOneIn == 0;
    }

    private static IEnumerable<CurriculumRecord> Interleave(CurriculumOptions options, Split split)
    {
        ArgumentNullException.ThrowIfNull(options);
        (DataDomain Domain, int Count)[] domains =
        [
            (DataDomain.General, options.General),
            (DataDomain.Reasoning, options.Reasoning),
            (DataDomain.ToolUse, options.ToolUse),
        ];
        foreach ((DataDomain domain, int count) in domains)
        {
            if (count < 0)
            {
                throw new InputException($"curriculum: {count} {domain} records were asked for; give 0 or more.");
            }
        }

        return Enumerate(domains, options.Seed, split);
    }

    private static IEnumerable<CurriculumRecord> Enumerate((DataDomain Domain, int Count)[] domains, long seed, Split split)
    {
        int[] emitted = new int[domains.Length];
        long total = domains.Sum(domain => (long)domain.Count);
        for (long position = 0; position < total; position++)
        {
            int furthestBehind = -1;
            for (int index = 0; index < domains.Length; index++)
            {
                // The next record comes from the domain that has the smallest share of its records behind it.
                if (emitted[index] < domains[index].Count
                    && (furthestBehind < 0
                        || (2L * emitted[index] + 1) * domains[furthestBehind].Count < (2L * emitted[furthestBehind] + 1) * domains[index].Count))
                {
                    furthestBehind = index;
                }
            }

            yield return Draw(domains[furthestBehind].Domain, emitted[furthestBehind]++, seed, split);
        }
    }

    private static CurriculumRecord Draw(DataDomain domain, int number, long seed, Split split)
    {
        SplitMix64 random = SplitMix64.ForStream(seed, (long)split, (long)domain, number);
        while (true)
        {
            CurriculumRecord drawn = domain switch
            {
                DataDomain.General => StoryGenerator.Draw(random),
                DataDomain.Reasoning => ProblemGenerator.Draw(random),
                _ => ToolCallGenerator.Draw(random),
            };
            if (IsHeldOut(drawn.ContentKey) == (split == Split.HeldOut))
            {
                return drawn;
            }
        }
    }
}
