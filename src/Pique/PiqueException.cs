namespace Pique;

/// <summary>Base of every error that Pique raises on purpose. Its message says where, what was found, what was expected and how to mend it.</summary>
public abstract class PiqueException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">Where, what was found against what was expected, what to do.</param>
    /// <param name="innerException">The cause, where there is one.</param>
    protected PiqueException(string message, Exception? innerException = null) : base(message, innerException)
    {
    }
}

/// <summary>A configuration, file, folder or text handed to Pique is wrong. The command line ends in exit code 2.</summary>
public class InputException : PiqueException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">Where, what was found against what was expected, what to do.</param>
    /// <param name="innerException">The cause, where there is one.</param>
    public InputException(string message, Exception? innerException = null) : base(message, innerException)
    {
    }
}

/// <summary>The input was right and the run failed all the same. The command line ends in exit code 3.</summary>
public sealed class RunFailedException : PiqueException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">Where, what happened, what to do.</param>
    /// <param name="innerException">The cause, where there is one.</param>
    public RunFailedException(string message, Exception? innerException = null) : base(message, innerException)
    {
    }

    /// <summary>Whether losses, gradients or weights are numbers no more: the run's own doing, not the machine's.</summary>
    public bool IsDivergence { get; init; }
}
