namespace Pique.Formats;

/// <summary>Counts the memory that reading the headers of one model takes, so that no file can ask for more than any model needs.</summary>
internal sealed class HeaderMemory
{
    /// <summary>The most that is given; vocabularies of a quarter of a million pieces take about 40 megabytes.</summary>
    public const long MostBytes = 192L << 20;

    private long _takenBytes;

    /// <summary>Counts memory about to be taken.</summary>
    /// <param name="bytes">How much; zero or more.</param>
    /// <returns>Whether all that was counted so far is within the limit.</returns>
    public bool TryTake(long bytes)
    {
        _takenBytes = Math.Min(_takenBytes + bytes, MostBytes + 1);
        return _takenBytes <= MostBytes;
    }
}
