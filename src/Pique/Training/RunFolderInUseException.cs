namespace Pique.Training;

/// <summary>Another run holds the folder; nothing in it may be touched.</summary>
public sealed class RunFolderInUseException : InputException
{
    /// <summary>Creates the error.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="innerException">What the system said.</param>
    public RunFolderInUseException(string folder, Exception innerException)
        : base($"{folder}: another run is using this folder. Wait until it ends or stop it, or choose another folder with --out.", innerException)
    {
    }
}
