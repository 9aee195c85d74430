using System.Text.RegularExpressions;

namespace Pique.Formats.Tokenizers;

/// <summary>Pre-tokenizer <c>Split</c>: cuts where a pattern matches.</summary>
/// <param name="pattern">Pattern; a match must not be empty to count.</param>
/// <param name="behavior">What becomes of the matches.</param>
/// <param name="invert">True where the text between matches plays the part of the matches.</param>
/// <param name="where">Name of the component, for errors.</param>
/// <remarks>
/// .NET matches UTF-16 units, so a letter beyond U+FFFF would be no <c>\p{L}</c>. Such characters are matched through a
/// stand-in of the same Unicode category (see <see cref="CategoryStandIns"/>); pieces are cut from the text itself.
/// </remarks>
internal sealed class PatternSplitter(Regex pattern, SplitBehavior behavior, bool invert, string where) : ITextSplitter
{
    /// <inheritdoc/>
    public IEnumerable<string> Split(string piece, PiecePosition position)
    {
        string? pending = null;
        bool pendingIsMatch = false;
        foreach ((string part, bool isMatch) in Parts(piece))
        {
            bool join = pending is not null && behavior switch
            {
                SplitBehavior.MergedWithPrevious => isMatch && !pendingIsMatch,
                SplitBehavior.MergedWithNext => !isMatch && pendingIsMatch,
                SplitBehavior.Contiguous => isMatch == pendingIsMatch,
                _ => false,
            };
            if (join)
            {
                pending += part;
                pendingIsMatch = isMatch;
                continue;
            }
            if (pending is not null)
                yield return pending;
            bool dropped = isMatch && behavior == SplitBehavior.Removed;
            pending = dropped ? null : part;
            pendingIsMatch = isMatch;
        }
        if (pending is not null)
            yield return pending;
    }

    private IEnumerable<(string Part, bool IsMatch)> Parts(string piece)
    {
        int[]? offsets = null;
        string matched = CategoryStandIns.Needed(piece) ? CategoryStandIns.Replace(piece, out offsets) : piece;
        int end = 0;
        for (Match match = First(matched); match.Success; match = Next(match))
        {
            if (match.Length == 0)
                continue;
            if (match.Index > end)
                yield return (Cut(end, match.Index), invert);
            end = match.Index + match.Length;
            yield return (Cut(match.Index, end), !invert);
        }
        if (end < matched.Length)
            yield return (Cut(end, matched.Length), invert);

        string Cut(int from, int to) => offsets is null ? piece[from..to] : piece[offsets[from]..offsets[to]];
    }

    private Match First(string text) => Guard(() => pattern.Match(text));

    private Match Next(Match match) => Guard(match.NextMatch);

    private Match Guard(Func<Match> step)
    {
        try
        {
            return step();
        }
        catch (RegexMatchTimeoutException exception)
        {
            throw new InputException(
                $"{where}: the pattern {pattern} did not finish within {exception.MatchTimeout.TotalSeconds:0} s on one text; " +
                "split the text into shorter records, or use a tokenizer with a simpler pattern.", exception);
        }
    }
}
