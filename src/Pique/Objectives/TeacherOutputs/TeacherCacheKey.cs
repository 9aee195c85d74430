namespace Pique.Objectives;

/// <summary>What teacher outputs are outputs of. They are right for a run whose key is equal, whatever its losses and temperature.</summary>
/// <param name="TeacherDigest">SHA-256 of the teacher's parameters, as <see cref="Formats.ModelDigest"/> computes it.</param>
/// <param name="DataDigest">SHA-256 of the packed rows, <see cref="Data.PackedDataset.LayoutDigest"/>.</param>
/// <param name="VocabularySize">Token ids the teacher knows.</param>
/// <param name="HiddenSize">Width of its hidden states.</param>
/// <param name="TopK">Tokens kept at each position; equal to <paramref name="VocabularySize"/> where all are.</param>
public sealed record TeacherCacheKey(string TeacherDigest, string DataDigest, int VocabularySize, int HiddenSize, int TopK)
{
    /// <summary>Whether the whole distribution is kept.</summary>
    public bool IsExact => TopK == VocabularySize;

    /// <summary>Values kept at each position: the likeliest tokens' and that of all others, or all tokens'.</summary>
    internal int ValuesPerPosition => IsExact ? VocabularySize : TopK + 1;

    /// <summary>Bytes kept at each position.</summary>
    internal long BytesPerPosition => (long)sizeof(float) * (IsExact ? VocabularySize : (2L * TopK) + 1);

    /// <summary>Refuses outputs of something else.</summary>
    /// <param name="expected">What the run needs.</param>
    /// <param name="folder">Where the outputs lie, for the message.</param>
    /// <exception cref="InputException">Something differs; all differences are named.</exception>
    internal void RequireEqual(TeacherCacheKey expected, string folder)
    {
        List<string> faults = [];
        Compare("teacher digest", TeacherDigest, expected.TeacherDigest);
        Compare("data digest", DataDigest, expected.DataDigest);
        Compare("vocabulary", VocabularySize, expected.VocabularySize);
        Compare("hidden width", HiddenSize, expected.HiddenSize);
        Compare("top_k", TopK, expected.TopK);
        if (faults.Count > 0)
            throw new InputException($"{folder}: the teacher outputs kept here are not those of this run: {string.Join("; ", faults)}. Name another folder as training.teacher_cache.folder, or delete this one to have them made anew.");

        void Compare<T>(string name, T found, T needed)
        {
            if (!EqualityComparer<T>.Default.Equals(found, needed))
                faults.Add($"{name} {found}, this run has {needed}");
        }
    }
}
