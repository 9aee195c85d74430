namespace Pique.Objectives;

/// <summary>Kept teacher outputs are not as they were written.</summary>
public sealed class TeacherCacheDamagedException : InputException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">Where, what and how to mend it.</param>
    /// <param name="innerException">The cause, where there is one.</param>
    public TeacherCacheDamagedException(string message, Exception? innerException = null) : base(message, innerException)
    {
    }

    /// <summary>Where and what is damaged, without a stop.</summary>
    public string Fault => Message.Replace($"; {TeacherCacheIndex.Fix}", "", StringComparison.Ordinal).TrimEnd('.');
}
